/**
 * What may be asked in addition: one for so many first attempts, saved up to a few. It begins empty, so that at no moment
 * more than that share has been asked in addition. Counted in whole first attempts, since tenths do not add up to one.
 */
export class Budget {
  readonly #oneIn: number;
  readonly #savedMax: number;
  #saved = 0;

  constructor({ oneIn, savedMax }: { readonly oneIn: number; readonly savedMax: number }) {
    this.#oneIn = oneIn;
    this.#savedMax = oneIn * savedMax;
  }

  /** A first attempt was made. */
  earn(): void {
    if (this.#saved < this.#savedMax) this.#saved++;
  }

  get affords(): boolean {
    return this.#saved >= this.#oneIn;
  }

  /** Something in addition is asked; it has to be afforded. */
  spend(): void {
    this.#saved -= this.#oneIn;
  }
}
