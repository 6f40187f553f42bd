/** cairn.toml: settings, or an error that names the line or the key. */
import { parseSettingsFile, resolveSettings, settingTable } from '../../../functions/settings/index.js';
import type { Chance } from '../../log/virtual-time.js';
import { mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { littered } from '../json-edits.js';

const sound = [
  'store = "file:./.cairn"\nport = 8080\nhost = "127.0.0.1"\n',
  "# local\napi_keys = ['one-key-of-some-length', \"another\"]\nlog_level = 'info'\nport = 0\n",
  'cors_origins = ["https://example.org"]\nmemory_budget = 1_000_000\n[table]\nx = 1979-05-27T07:32:00Z\n',
  'store = """\nmemory:"""\nport = 0x1f\nfloat = [1.5, inf, nan, -0.0]\na.b.c = { x = 1, y = [{}] }\n',
];
const NESTED = [
  ['a = ', '[', ']'],
  ['a = ', '{x = ', '}'],
  ['', 'a.', ' = 1'],
  ['[', 'a.', 'b]'],
] as const;

function textOf(chance: Chance): string {
  if (chance.happens(0.02)) {
    const [start, open, close] = chance.pick(NESTED);
    const depth = chance.pick([30, 1_000, 20_000]);
    return start + open.repeat(depth) + close.repeat(close.length === 1 ? depth : 1);
  }
  return littered(chance, chance.pick(sound));
}

export const settings: Decoder = {
  name: 'settings',
  refusals: ['invalid'],
  next: (chance) => {
    const text = textOf(chance);
    return {
      size: text.length,
      show: () => JSON.stringify(text.slice(0, 2_000)),
      run: () => {
        const resolved = resolveSettings({ file: parseSettingsFile({ path: 'cairn.toml', text }) });
        for (const [name, { schema }] of Object.entries(settingTable))
          mustHold(schema.safeParse(resolved[name as keyof typeof resolved]).success, `${name} is a setting`);
      },
    };
  },
};
