/** Every limit of talking to hosts' APIs in one place, each with its reason. */

export const hostLimits = {
  /** A page of 100 repositories of GitHub takes about 700 KB, one of 50 deliveries with their payloads at GitLab a few MB. */
  answerBytes: 8 * 1024 * 1024,
  /** Nesting and size of an answer before it is parsed. GitHub's page of 100 repositories has about 20,000 marks. */
  json: { levels: 64, marks: 500_000 },
  /** What a message repeats of a host's words. */
  wordsCharacters: 500,
  /** Largest page that GitHub and GitLab give; Gitea gives 50 unless it is told otherwise. */
  pageSize: 100,
  giteaPageSize: 50,
  /** Of hooks and keys one looks for: GitHub takes 20 hooks, GitLab 100; a host that always names another page is not followed for ever. */
  pages: 20,
  /** Deliveries that are looked at. */
  deliveries: 20,
} as const;
