/** Databases on one faulty bucket in virtual time, and catalogs without a database, for the tests of create and drop. */
import { open } from '../../core/index.js';
import type { Database } from '../../core/engine/index.js';
import { Catalog } from '../../core/engine/catalog.js';
import { Collector } from '../../core/engine/collector/index.js';
import { DEFAULT_NAMESPACE_UID } from '../../core/log/index.js';
import type { CollectionSchema } from '../../core/log/index.js';
import { accountingStore, retryingStore } from '../../core/store/index.js';
import type { AccountingStore } from '../../core/store/index.js';
import { FaultyBucket } from '../log/faulty-store.js';
import { digests, schema } from '../log/fixture.js';
import { Chance, VirtualTime } from '../log/virtual-time.js';
import { portableDeflate } from '../../core/segment/index.js';

export interface CatalogProcess {
  readonly store: AccountingStore;
  readonly catalog: Catalog;
  readonly collector: Collector;
}

export class CatalogWorld {
  readonly time: VirtualTime = new VirtualTime();
  readonly bucket: FaultyBucket = new FaultyBucket(this.time);
  readonly chance: Chance;
  readonly schema: CollectionSchema = schema;

  constructor(seed: number = 1) {
    this.chance = new Chance(seed);
  }

  process(name: string): CatalogProcess {
    const random = new Chance(this.chance.word());
    const ports = {
      clock: this.time.clock,
      sleep: this.time.sleep,
      random,
      digests,
      deflate: portableDeflate,
    };
    const store = accountingStore(retryingStore(this.bucket.as(name), ports));
    const catalog = new Catalog({ store, ports, namespace: DEFAULT_NAMESPACE_UID });
    return { store, catalog, collector: new Collector({ store, ports, catalog, memoryBytes: 2 ** 30 }) };
  }

  database(name: string): Promise<Database> {
    return open('memory:', {
      store: this.bucket.as(name),
      clock: this.time.clock,
      sleep: this.time.sleep,
      random: new Chance(this.chance.word()),
      memoryBudgetBytes: 8 * 1024 * 1024,
    });
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.time.run(work);
  }

  async keys(prefix: string = ''): Promise<string[]> {
    return (await this.bucket.truth.list(prefix)).map(({ key }) => key);
  }
}
