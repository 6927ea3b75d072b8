/**
 * The serving nodes, filed by every fact that a wish can name, so that a choice looks at a handful of them.
 *
 * Filing, re-filing and taking out a node cost a fixed number of steps (18 buckets), however many nodes there are. Nodes
 * with equal facts share one cell, which knows its buckets. A node that cannot take sessions for the moment is parked: it
 * still counts, but stands behind the ready ones. Whoever changes a node's facts says so; nothing is polled.
 *
 * It chooses nothing (`pickNode` does), and knows no clock and no chance.
 *
 * Limits: 4,096 cells without nodes are kept for the next of their kind; 20,000 providers are known by name, 32 are gone
 * through for the beginning of a name, 1,000 beginnings are remembered.
 */
import { NodeBucket, type RowPlaces, slotsPerRow } from "./node-bucket.ts";
import { bucketKeys, wishKeys } from "./route-keys.ts";
import { RowScreen, screenOf, type WishScreen } from "./row-screen.ts";
import { type ExitFacts, factsSatisfy, nodeSatisfies, type RouteFacts, routeFacts, type RouteWish } from "./route-wish.ts";

export const emptyCellsMax = 4_096;
const providersMax = 20_000;
const providersListedMax = 32;
const prefixesMax = 1_000;
const rowsAtStart = 64;

/** How many serving nodes have the same place, network and type. */
export interface NodeCell extends RouteFacts {
  readonly key: string;
  /** The same facts under the names that people read. */
  readonly place: ExitFacts;
  readonly buckets: readonly NodeBucket[];
  nodes: number;
}

/** Buckets that together hold every node that satisfies a wish, each once, and maybe others. */
export interface NodeSource {
  readonly buckets: readonly NodeBucket[];
  readonly ready: number;
  readonly total: number;
  readonly wish: RouteWish;
  /** Null when everybody in the buckets satisfies the wish. */
  readonly screen: WishScreen | null;
}

export class NodeIndex<N extends ExitFacts> {
  readonly #rowOf = new Map<N, number>();
  readonly #nodes: (N | undefined)[] = [];
  readonly #cellOf: (NodeCell | undefined)[] = [];
  readonly #freeRows: number[] = [];
  readonly #parked = new Set<N>();
  readonly #cells = new Map<string, NodeCell>();
  readonly #cellsByCountry = new Map<string, Set<NodeCell>>();
  readonly #buckets = new Map<string, NodeBucket>();
  readonly #providers = new Set<string>();
  readonly #providersByPrefix = new Map<string, readonly string[] | null>();
  readonly #screen = new RowScreen();
  readonly #places: RowPlaces = { at: new Int32Array(rowsAtStart * slotsPerRow) };
  /** Cells without nodes, the one that lost its last node longest ago first. */
  readonly #emptyCells = new Set<NodeCell>();

  get size(): number {
    return this.#rowOf.size;
  }

  /** Files a node under its present facts; one that is filed already moves if they changed, and stays parked if it was. */
  put(node: N): void {
    const known = this.#rowOf.get(node);
    const row = known ?? this.#takeRow();
    const cell = this.#cellFor(node);
    const older = this.#cellOf[row];
    if (older === cell) return;
    if (older !== undefined) this.#takeOut(row, older);
    const isReady = !this.#parked.has(node);
    for (const bucket of cell.buckets) bucket.add(row, isReady);
    if (cell.nodes === 0) this.#emptyCells.delete(cell);
    cell.nodes += 1;
    this.#screen.set(row, cell);
    this.#cellOf[row] = cell;
    this.#nodes[row] = node;
    if (known === undefined) this.#rowOf.set(node, row);
  }

  /** Nothing happens when the node is not filed. */
  remove(node: N): void {
    const row = this.#rowOf.get(node);
    const cell = row === undefined ? undefined : this.#cellOf[row];
    if (row === undefined || cell === undefined) return;
    this.#takeOut(row, cell);
    this.#nodes[row] = undefined;
    this.#cellOf[row] = undefined;
    this.#rowOf.delete(node);
    this.#parked.delete(node);
    this.#freeRows.push(row);
  }

  /** Takes a filed node out of the draw, or back in. */
  setReady(node: N, isReady: boolean): void {
    const row = this.#rowOf.get(node);
    if (row === undefined || isReady !== this.#parked.has(node)) return;
    if (isReady) this.#parked.delete(node);
    else this.#parked.add(node);
    for (const bucket of this.#cellOf[row]?.buckets ?? []) {
      if (isReady) bucket.ready(row);
      else bucket.park(row);
    }
  }

  /** The nodes that are out of the draw. */
  get parked(): ReadonlySet<N> {
    return this.#parked;
  }

  nodeAt(row: number): N | undefined {
    return this.#nodes[row];
  }

  /** Whether the node in this row of one of the source's buckets satisfies its wish. */
  satisfies(row: number, { screen, wish }: NodeSource): boolean {
    if (screen === null) return true;
    if (!this.#screen.mayPass(row, screen)) return false;
    const cell = this.#cellOf[row];
    return cell !== undefined && factsSatisfy(cell, wish);
  }

  /** Whether a node satisfies the wish, filed or not. */
  matches(node: N, wish: RouteWish): boolean {
    const row = this.#rowOf.get(node);
    const cell = row === undefined ? undefined : this.#cellOf[row];
    return cell === undefined ? nodeSatisfies(node, wish) : factsSatisfy(cell, wish);
  }

  /** The fewest buckets to look through for a wish. */
  sourceOf(wish: RouteWish): NodeSource {
    const { groups, isExact } = wishKeys(wish, this.#listProviders);
    const screen = isExact ? null : screenOf(wish);
    let best: NodeSource = { buckets: [], ready: 0, total: Number.POSITIVE_INFINITY, wish, screen };
    for (const keys of groups) {
      const source = this.#gather(keys, wish, screen);
      if (source.total < best.total) best = source;
      if (source.total === 0) break;
    }
    return best;
  }

  /** How many filed nodes satisfy the wish, parked ones too. */
  count(wish: RouteWish): number {
    const source = this.sourceOf(wish);
    if (source.screen === null) return source.total;
    let found = 0;
    for (const { rows } of source.buckets) {
      for (const row of rows) if (this.satisfies(row, source)) found += 1;
    }
    return found;
  }

  /** One entry for every distinct place, network and type that has nodes; those of one country when it is given. */
  *listCells(country?: string): Generator<NodeCell> {
    const cells = country === undefined ? this.#cells.values() : (this.#cellsByCountry.get(country) ?? []);
    for (const cell of cells) if (cell.nodes > 0) yield cell;
  }

  /** Countries that have nodes, or had some a while ago. */
  listCountries(): Iterable<string> {
    return this.#cellsByCountry.keys();
  }

  #gather(keys: readonly string[], wish: RouteWish, screen: WishScreen | null): NodeSource {
    const buckets: NodeBucket[] = [];
    let ready = 0;
    let total = 0;
    for (const key of keys) {
      const bucket = this.#buckets.get(key);
      if (bucket === undefined || bucket.rows.length === 0) continue;
      buckets.push(bucket);
      ready += bucket.readyCount;
      total += bucket.rows.length;
    }
    return { buckets, ready, total, wish, screen };
  }

  #takeRow(): number {
    const row = this.#freeRows.pop() ?? this.#nodes.length;
    const places = this.#places;
    if ((row + 1) * slotsPerRow > places.at.length) {
      const larger = new Int32Array(places.at.length * 2);
      larger.set(places.at);
      places.at = larger;
    }
    if (row === this.#nodes.length) {
      this.#nodes.push(undefined);
      this.#cellOf.push(undefined);
    }
    return row;
  }

  #takeOut(row: number, cell: NodeCell): void {
    for (const bucket of cell.buckets) bucket.remove(row);
    cell.nodes -= 1;
    if (cell.nodes > 0) return;
    this.#emptyCells.add(cell);
    if (this.#emptyCells.size <= emptyCellsMax) return;
    for (const oldest of this.#emptyCells) return this.#drop(oldest);
  }

  #cellFor(node: N): NodeCell {
    const { country, region, city, asn, asnName, connectionType } = node;
    const key = `${country}\n${region}\n${city}\n${asn}\n${asnName}\n${connectionType}`;
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      const place: ExitFacts = { country, region, city, asn, asnName, connectionType };
      const facts = routeFacts(place);
      if (facts.provider !== null) this.#noteProvider(facts.provider);
      const buckets = bucketKeys(facts).map((each) => this.#bucketFor(each.key, each.slot));
      for (const bucket of buckets) bucket.cells += 1;
      const { state, city: citySlug, provider, type } = facts;
      // Written out: an object spread here would cost every cell a second store for its properties.
      cell = { country, state, city: citySlug, asn, provider, type, key, place, buckets, nodes: 0 };
      this.#cells.set(key, cell);
      if (country !== null) this.#cellsIn(country).add(cell);
    }
    return cell;
  }

  #cellsIn(country: string): Set<NodeCell> {
    const cells = this.#cellsByCountry.get(country) ?? new Set();
    this.#cellsByCountry.set(country, cells);
    return cells;
  }

  #bucketFor(key: string, slot: number): NodeBucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new NodeBucket(key, slot, this.#places);
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  #noteProvider(slug: string): void {
    if (this.#providers.has(slug)) return;
    if (this.#providers.size >= providersMax) this.#forgetProviders();
    this.#providers.add(slug);
    this.#providersByPrefix.clear();
  }

  readonly #listProviders = (prefix: string): readonly string[] | null => {
    const known = this.#providersByPrefix.get(prefix);
    if (known !== undefined) return known;
    const found = [...this.#providers].filter((slug) => slug.startsWith(prefix));
    const listed = found.length > providersListedMax ? null : found;
    if (this.#providersByPrefix.size >= prefixesMax) this.#providersByPrefix.clear();
    this.#providersByPrefix.set(prefix, listed);
    return listed;
  };

  #drop(cell: NodeCell): void {
    this.#emptyCells.delete(cell);
    this.#cells.delete(cell.key);
    if (cell.country !== null) this.#leaveCountry(cell, cell.country);
    for (const bucket of cell.buckets) {
      bucket.cells -= 1;
      if (bucket.cells === 0) this.#buckets.delete(bucket.key);
    }
  }

  #leaveCountry(cell: NodeCell, country: string): void {
    const cells = this.#cellsByCountry.get(country);
    cells?.delete(cell);
    if (cells?.size === 0) this.#cellsByCountry.delete(country);
  }

  #forgetProviders(): void {
    this.#providers.clear();
    for (const { provider } of this.#cells.values()) if (provider !== null) this.#providers.add(provider);
  }
}
