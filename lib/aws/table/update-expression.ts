/** Update expressions from plain objects: attributes with a value are set, those that are null are removed. */

export interface UpdateParts {
  readonly UpdateExpression: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, unknown>;
}

/**
 * `set`, `remove` and `add` are further clauses in DynamoDB's own words (`queued_at = if_not_exists(queued_at, :now)`); their values and names are the caller's,
 * in `values` and `names`. Attribute names of `changes` are always escaped (`#a0`).
 */
export function updateExpression(
  changes: Readonly<Record<string, unknown>>,
  {
    set = [],
    remove = [],
    add = [],
    values = {},
    names = {},
  }: {
    readonly set?: readonly string[];
    readonly remove?: readonly string[];
    readonly add?: readonly string[];
    readonly values?: Readonly<Record<string, unknown>>;
    readonly names?: Readonly<Record<string, string>>;
  } = {},
): UpdateParts {
  const allNames: Record<string, string> = { ...names };
  const allValues: Record<string, unknown> = { ...values };
  const sets = [...set];
  const removes = [...remove];
  for (const [index, [attribute, value]] of Object.entries(changes).entries()) {
    if (value === undefined) continue;
    allNames[`#a${index}`] = attribute;
    if (value === null) removes.push(`#a${index}`);
    else {
      sets.push(`#a${index} = :a${index}`);
      allValues[`:a${index}`] = value;
    }
  }
  const clauses = [
    sets.length === 0 ? [] : [`SET ${sets.join(', ')}`],
    removes.length === 0 ? [] : [`REMOVE ${removes.join(', ')}`],
    add.length === 0 ? [] : [`ADD ${add.join(', ')}`],
  ].flat();
  return {
    UpdateExpression: clauses.join(' '),
    // DynamoDB refuses empty ones.
    ...(Object.keys(allNames).length === 0 ? {} : { ExpressionAttributeNames: allNames }),
    ...(Object.keys(allValues).length === 0 ? {} : { ExpressionAttributeValues: allValues }),
  };
}
