/**
 * A call of a kernel as it lies in a slot: header: arena, which kernel, number of arguments, arguments. There is no answer but that it
 * ended.
 */
import type { KernelCall } from '../kernel/index.js';
import { CALL, KIND } from './job-slots.js';
import type { Slot } from './job-slots.js';

const NAMES: readonly KernelCall['name'][] = [
  'findLinks',
  'nearestPivots',
  'offerPairs',
  'chooseLinks',
  'refineLinks',
  'linkFarther',
];

export function putCall({ header }: Slot, arena: number, { name, args }: KernelCall): void {
  header[KIND] = CALL;
  header[0] = arena;
  header[1] = NAMES.indexOf(name);
  header[2] = args.length;
  header.set(args, 3);
}

export function getCall({ header }: Slot): { readonly arena: number; readonly call: KernelCall } {
  const args = Array.from(header.subarray(3, 3 + header[2]!));
  return { arena: header[0]!, call: { name: NAMES[header[1]!]!, args } };
}
