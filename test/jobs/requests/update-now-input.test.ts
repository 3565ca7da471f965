import { describe, expect, it } from 'vitest';
import { parseUpdateNowInput } from '../../../lib/jobs/requests/update-now-input.ts';

describe('parseUpdateNowInput', () => {
  it.each([
    [
      { project: 1, mirror: 2 },
      { project: 1, mirror: 2, confirmDeletions: false },
    ],
    [
      { project: '1', mirror: '2' },
      { project: 1, mirror: 2, confirmDeletions: false },
    ],
    [
      { project: 'group/name', mirror: 'pull', confirm_deletions: true },
      { project: 'group/name', mirror: 'pull', confirmDeletions: true },
    ],
  ])('takes %j', (input, expected) => {
    expect(parseUpdateNowInput(input)).toEqual(expected);
  });

  it.each([
    [undefined, 'object'],
    [null, 'object'],
    [[1], 'object'],
    ['1', 'object'],
    [{ mirror: 1 }, 'project'],
    [{ project: 0, mirror: 1 }, 'project'],
    [{ project: 'nameonly', mirror: 1 }, 'project'],
    [{ project: 1.5, mirror: 1 }, 'project'],
    [{ project: 1 }, 'mirror'],
    [{ project: 1, mirror: 'push' }, 'mirror'],
    [{ project: 1, mirror: null }, 'mirror'],
    [{ project: 1, mirror: 1, confirm_deletions: 'true' }, 'confirm_deletions'],
    [{ project: 1, mirror: 1, force: true }, 'force'],
  ])('refuses %j and names %s', (input, field) => {
    expect(() => parseUpdateNowInput(input)).toThrow(
      expect.objectContaining({ code: 'invalid_arguments', message: expect.stringContaining(field) }),
    );
  });
});
