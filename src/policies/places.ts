/** Where something that is under way stands; empty once it has ended. */
export interface Place<T> {
  readonly id: string;
  held: T | undefined;
}

/**
 * What is under way, by what was asked. The map holds places and not the loads themselves: under constant churn V8's
 * garbage collector comes late to what a map has held (see Edge), and an empty place is all that it then keeps.
 */
export class Places<T> {
  readonly #places = new Map<string, Place<T>>();

  get(id: string): T | undefined {
    return this.#places.get(id)?.held;
  }

  /** A newer one takes the place of an older one. */
  take(id: string, held: T): Place<T> {
    const place = { id, held };
    this.#places.set(id, place);
    return place;
  }

  leave(place: Place<T>): void {
    place.held = undefined;
    if (this.#places.get(place.id) === place) this.#places.delete(place.id);
  }
}
