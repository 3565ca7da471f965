/** An item of the table as the SDK's document client gives and takes it. */

export type Item = Record<string, unknown>;

/** The item without the attributes that are null: absent attributes are what conditions and indexes ask for. */
export function withoutNulls(item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== null && value !== undefined));
}
