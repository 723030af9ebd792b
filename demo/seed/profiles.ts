import { themes } from './catalogue.ts';
import { places, type Place } from './places.ts';
import { at, randomFrom, type Random } from './random.ts';
import type { Shopper } from './shoppers.ts';

const LETTERS: Readonly<Record<string, string>> = { ø: 'o', ß: 'ss', ł: 'l', ı: 'i', æ: 'ae' };

/** The jsonb of a user: what a profile service would know. */
export type Profile = ReturnType<typeof profile>;

export function profile({ id, joinedMs, tastes, orderCount }: Shopper) {
  const random = randomFrom(id * 104_729 + 1);
  const place = id === 42 ? norway() : random.pick(places);
  const name = id === 42 ? 'Ingrid Lindqvist' : `${random.pick(place.given)} ${random.pick(place.family)}`;
  return {
    id,
    name,
    email: `${mailbox(name)}.${id}@example.${random.pick(['com', 'org', 'net'])}`,
    locale: place.locale,
    plan: orderCount > 5 ? 'plus' : at(['free', 'plus', 'family'], random.weighted([7, 2, 1])),
    created_at: new Date(joinedMs).toISOString(),
    verified: random.chance(85),
    address: address(place, random),
    preferences: {
      theme: random.pick(['light', 'dark', 'system']),
      currency: place.currency,
      newsletter: random.chance(45),
      notifications: { email: random.chance(70), push: random.chance(55), sms: random.chance(15) },
    },
    interests: tastes.map(({ theme }) => at(themes, theme).name),
    loyalty: { tier: tierOf(orderCount), points: orderCount * 120 + random.below(120) },
  };
}

function address(place: Place, random: Random) {
  const [city, postcode] = random.pick(place.cities);
  return {
    street: `${random.pick(place.streets)} ${random.between(1, 180)}`,
    postcode: postcode.replaceAll('#', () => String(random.below(10))),
    city,
    country: place.country,
  };
}

function norway(): Place {
  const place = places.find(({ country }) => country === 'NO');
  if (place === undefined) throw new Error('expected Norway among the places, but it is gone');
  return place;
}

function tierOf(orderCount: number): string {
  if (orderCount > 8) return 'gold';
  return orderCount > 3 ? 'silver' : 'bronze';
}

/** "Åse Nygård" → "ase.nygard" */
function mailbox(name: string): string {
  const plain = name.toLowerCase().normalize('NFD').replaceAll(/\p{Mark}/gu, '');
  return plain.replaceAll(/[øßłıæ]/g, (letter) => LETTERS[letter] ?? '').replaceAll(' ', '.');
}
