/**
 * sqlite-vec compares with every row, so there is one effort, its recall is 1, and a few queries are enough. SQLite is the
 * one in Node where that can load extensions, else better-sqlite3.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { isAtLeast } from '../../../scripts/set-up.mjs';
import { mustBuildPeer, mustRequirePeer } from '../../peers/packages.mjs';
import { vectorAt } from '../../real-sets.mjs';
import { K, secondsSince } from '../conditions.mjs';

const NAME = 'sqlite-vec';
const DRIVER = 'better-sqlite3';
const inNode = isAtLeast(process.versions.node, '22.13.0');

/** @param {string} folder @param {any} library */
function openDatabase(folder, { extension, Database }) {
  const file = join(folder, 'rows.db');
  const database = inNode ? new Database(file, { allowExtension: true }) : new Database(file);
  extension.load(database);
  return database;
}

/** @type {import('../contender.mjs').Contender} */
export const sqliteVec = {
  key: NAME,
  peer: NAME,
  title: NAME,
  settings: `exact, f32, ${inNode ? 'node:sqlite' : DRIVER}`,
  package: NAME,
  store: NAME,
  efforts: [{ exact: 1 }],
  ...{ queries: 100, warmUp: 20 },
  ready: () => {
    if (!inNode) mustBuildPeer(DRIVER, 'build/Release/better_sqlite3.node');
  },
  load: () => ({
    extension: mustRequirePeer(NAME),
    Database: inNode ? mustRequirePeer('node:sqlite').DatabaseSync : mustRequirePeer(DRIVER),
  }),
  build: ({ vectors, dimension, metric, ids, folder }, library) => {
    const database = openDatabase(folder, library);
    const distance = metric === 'cosine' ? 'cosine' : 'l2';
    const begun = performance.now();
    database.exec(
      `create virtual table rows using vec0(vector float[${dimension}] distance_metric=${distance})`,
    );
    database.exec('begin');
    const insert = database.prepare('insert into rows(rowid, vector) values (?, ?)');
    for (let row = 0; row < ids.length; row++) insert.run(BigInt(row), vectorAt(vectors, dimension, row));
    database.exec('commit');
    const buildSeconds = secondsSince(begun);
    database.close();
    return { buildSeconds };
  },
  open: ({ folder }, library) => {
    const database = openDatabase(folder, library);
    const select = database.prepare(`select rowid from rows where vector match ? and k = ${K}`);
    return { search: (query) => select.all(query), close: () => database.close() };
  },
  found: (records) => records.map((/** @type {{ rowid: number }} */ { rowid }) => rowid),
};
