import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';

/** A JSON Schema (2020-12), which is what OpenAPI 3.1 takes. */
export type Schema = Readonly<Record<string, unknown>>;

/** What comes in, before defaults and conversions, or what goes out, after them. */
export type Side = 'input' | 'output';

/**
 * JSON Schemas of the definitions' own schemas, of whatever library (Standard JSON Schema). One that has a name (`meta({ id })`
 * of zod) is written once, among the components.
 */
export class Schemas {
  readonly components: Record<string, Schema> = {};

  /** Anything, where there is no schema, or one that cannot say its form. */
  of(schema: StandardSchemaV1 | undefined, side: Side): Schema {
    const { jsonSchema } = (schema?.['~standard'] ?? {}) as Partial<StandardJSONSchemaV1.Props>;
    if (!jsonSchema) return {};
    const { $schema: _, $defs = {}, ...own } = jsonSchema[side]({ target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } });
    for (const [name, one] of Object.entries($defs as Record<string, Schema>)) this.put(name, told(one, side));
    return told(own, side);
  }

  /** A component, and how it is referred to. Throws a TypeError if another one has its name. */
  put(name: string, schema: Schema): Schema {
    const known = this.components[name];
    if (known && JSON.stringify(known) !== JSON.stringify(schema)) throw new TypeError(`expected one schema named ${name}, but got two that differ`);
    this.components[name] = schema;
    return { $ref: `#/components/schemas/${name}` };
  }
}

/** With references to where components are. What goes out may have more members some day, whatever the library makes of it. */
function told(schema: Schema, side: Side): Schema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string') return value.replace('#/$defs/', '#/components/schemas/');
    // A reviver that gives undefined leaves the member out.
    return side === 'output' && key === 'additionalProperties' && value === false ? undefined : value;
  }) as Schema;
}

/** The members of an object's schema, and which of them there have to be. */
export function membersOf({ properties = {}, required = [] }: Schema): readonly { readonly name: string; readonly schema: Schema; readonly required: boolean }[] {
  return Object.entries(properties as Record<string, Schema>).map(([name, schema]) => ({ name, schema, required: (required as readonly string[]).includes(name) }));
}

/** A name in kebab case as types are called: `product-page` is `ProductPage`. */
export const typeName = (name: string): string => name.replaceAll(/(?:^|-)(\w)/g, (_, first: string) => first.toUpperCase());

/** And as functions are: `productPage`. */
export const functionName = (name: string): string => name.replaceAll(/-(\w)/g, (_, first: string) => first.toUpperCase());
