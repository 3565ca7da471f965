/** Types of tested-tree.mjs, which the check reads without compiling anything. */

export function treeDigest(): string | undefined;
export function rememberPassed(tree: string | undefined, passed: number): void;
export function forgetPassed(): void;
export function passedBefore(): number | undefined;
