/** Below a fifth the balancer's other targets would hardly notice what they get in addition. */
const shareLeast = 0.2;
/** Seconds of shedding before a process stands aside: longer than a burst. Drawn anew each time, so that not all of a fleet go at once. */
const badSeconds = [5, 10] as const;
/** Without shedding it is back after three seconds, and after fifteen in any case: if all had gone, nobody would be left. */
const calmSeconds = 3;
const awaySeconds = 15;

/** Whether a process that sheds is to be spared by its balancer: looks once a second. */
export class StandingAside {
  readonly #random: () => number;
  #left: number;
  #calm = 0;
  #away = 0;

  /** `random` from 0 to 1, as Math.random. */
  constructor(random: () => number) {
    this.#random = random;
    this.#left = this.#draw();
  }

  /** It asks for no new requests. */
  get aside(): boolean {
    return this.#away > 0;
  }

  /** A second is over, in which so many requests were shed of those that came. */
  second(shed: number, came: number): void {
    const bad = shed > came * shareLeast;
    if (this.aside) {
      this.#calm = bad ? 0 : this.#calm + 1;
      if (this.#calm < calmSeconds && this.#away < awaySeconds) this.#away++;
      else this.#away = 0;
    } else if (bad) {
      if (--this.#left > 0) return;
      this.#away = 1;
      this.#calm = 0;
      this.#left = this.#draw();
    } else {
      this.#left = this.#draw();
    }
  }

  #draw(): number {
    const [least, most] = badSeconds;
    return least + Math.floor(this.#random() * (most - least + 1));
  }
}
