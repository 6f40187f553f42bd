/**
 * Starts and stops a Ceph: monitor, OSD, and gateways that speak S3, all on free loopback ports and under a fresh folder. They
 * are children of the test run, ended by their process ids, and by the kernel where the run is killed.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { root } from '../../../scripts/set-up.mjs';
import { clusterConf } from './cluster-conf.js';

const run = promisify(execFile);

/** Where install.sh unpacks what is not installed. */
const unpacked: string = join(root, 'build/engines/ceph');

/** The keys of the one user of the cluster. */
const keys = { id: 'test', secret: 'testtest' } as const;

/** What programs with an AWS SDK find them by, and nothing else. */
export const cephVariables: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: keys.id,
  AWS_SECRET_ACCESS_KEY: keys.secret,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

const START_TRIES = 600;

interface Binaries {
  readonly env: NodeJS.ProcessEnv;
  /** Undefined where the packages are installed. */
  readonly libraries: string | undefined;
}

/** Undefined where there is no Ceph. */
function findBinaries(): Binaries | undefined {
  const paths = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  const installed = (name: string): boolean => paths.some((path) => existsSync(join(path, name)));
  if (['radosgw', 'ceph-mon', 'ceph-osd'].every(installed))
    return { env: { ...process.env, PATH: paths.join(delimiter) }, libraries: undefined };
  if (!existsSync(join(unpacked, 'complete'))) return undefined;
  const usr = join(unpacked, 'usr');
  const triplet = readdirSync(join(usr, 'lib')).find((name) => name.endsWith('-linux-gnu'))!;
  const libraries = join(usr, 'lib', triplet);
  return {
    env: {
      ...process.env,
      PATH: [join(usr, 'bin'), join(usr, 'sbin'), ...paths].join(delimiter),
      LD_LIBRARY_PATH: [libraries, join(libraries, 'ceph'), join(unpacked, 'lib', triplet)].join(delimiter),
      PYTHONPATH: join(usr, 'lib/python3/dist-packages'),
    },
    libraries,
  };
}

/** Unpacks Ceph where it is missing. False where there is none afterwards. */
export function installCeph(): boolean {
  if (findBinaries() !== undefined) return true;
  process.stderr.write('unpacking Ceph (test/engines/ceph/install.sh build/engines/ceph)\n');
  spawnSync(join(root, 'test/engines/ceph/install.sh'), [unpacked], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return findBinaries() !== undefined;
}

export interface Cluster {
  /** `http://127.0.0.1:PORT` of each gateway. */
  readonly gateways: readonly string[];
  /** Ends a gateway with SIGKILL. What it was in the middle of stays as it was. */
  readonly killGateway: (at: number) => Promise<void>;
  /** Starts a killed gateway on its port. Resolves when it answers. */
  readonly startGateway: (at: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Requires: `installCeph()`. Takes about three seconds and 200 MB. */
export async function startCluster(): Promise<Cluster> {
  const { env, libraries } = findBinaries()!;
  const folder = mkdtempSync(join(tmpdir(), 'cairn-ceph-'));
  const [monitorPort, ...gatewayPorts] = (await freePorts(3)) as [number, ...number[]];
  const fsid = randomUUID();
  const conf = join(folder, 'ceph.conf');
  for (const name of ['mon', 'osd0']) mkdirSync(join(folder, name));
  writeFileSync(conf, clusterConf({ folder, fsid, monitorPort, gatewayPorts, libraries }));

  const children: ChildProcess[] = [];
  const once = async (command: string, ...args: readonly string[]): Promise<void> => {
    await run(command, [...args], { env, timeout: 60_000 });
  };
  const begin = (command: string, ...args: readonly string[]): ChildProcess => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], { env, stdio: 'ignore' });
    children.push(child);
    return child;
  };
  const gateways = gatewayPorts.map((port) => `http://127.0.0.1:${port}`);
  const running: ChildProcess[] = [];
  const startGateway = async (at: number): Promise<void> => {
    running[at] = begin('radosgw', '-c', conf, '-n', `client.rgw${at}`, '-f');
    await answers(gateways[at]!);
  };
  const killGateway = (at: number): Promise<void> => ended(running[at]!);
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(ended));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const map = join(folder, 'monmap');
    const monitor = `[v2:127.0.0.1:${monitorPort}]`;
    await once('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', monitor, map);
    await once('ceph-mon', '-c', conf, '-i', 'a', '--mkfs', '--monmap', map);
    begin('ceph-mon', '-c', conf, '-i', 'a', '-f');
    const osd = randomUUID();
    await once('ceph', '-c', conf, 'osd', 'new', osd, '0');
    await once('ceph-osd', '-c', conf, '-i', '0', '--mkfs', '--osd-uuid', osd);
    begin('ceph-osd', '-c', conf, '-i', '0', '-f');
    const user = ['--uid=test', '--display-name=test', `--access-key=${keys.id}`];
    await once('radosgw-admin', '-c', conf, 'user', 'create', ...user, `--secret-key=${keys.secret}`);
    await Promise.all(gateways.map((_, at) => startGateway(at)));
    return { gateways, killGateway, startGateway, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

async function answers(url: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await fetch(url);
      return;
    } catch (error) {
      if (attempt >= START_TRIES) throw new Error(`no gateway answers at ${url}`, { cause: error });
      await sleep(50);
    }
  }
}

/** All are taken at once, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
