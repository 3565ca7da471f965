/** CloudFormation's references, filled in for one stack: Ref, Fn::GetAtt, Fn::Sub. */

export interface References {
  /** Ref: resource or pseudo parameter (`AWS::Region`) → value. */
  readonly refs: Readonly<Record<string, string>>;
  /** Fn::GetAtt: `Resource.Attribute` → value. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A copy without references. Throws for a reference that is not known, and for other functions of CloudFormation's. */
export function resolveReferences(value: unknown, references: References): unknown {
  if (Array.isArray(value)) return value.map((part) => resolveReferences(part, references));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [name, argument] = entries[0] ?? [];
  if (entries.length === 1 && name !== undefined && (name === 'Ref' || name.startsWith('Fn::')))
    return callFunction(name, argument, references);
  return Object.fromEntries(entries.map(([key, part]) => [key, resolveReferences(part, references)]));
}

function callFunction(name: string, argument: unknown, { refs, attributes }: References): string {
  if (name === 'Ref') return known(refs, String(argument));
  if (name === 'Fn::GetAtt') return known(attributes, Array.isArray(argument) ? argument.join('.') : String(argument));
  if (name === 'Fn::Sub' && typeof argument === 'string') {
    return argument.replace(/\$\{([^}]+)\}/g, (_, reference: string) => known(reference.includes('.') ? attributes : refs, reference));
  }
  throw new Error(`${name} is not understood`);
}

function known(values: Readonly<Record<string, string>>, name: string): string {
  const value = values[name];
  if (value === undefined) throw new Error(`nothing is known of ${name}`);
  return value;
}
