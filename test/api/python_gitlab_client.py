"""What scripts with python-gitlab do, against the instance and token given; prints what it saw as JSON."""
import json
import sys

import gitlab

gl = gitlab.Gitlab(sys.argv[1], private_token=sys.argv[2])
seen = {}
gl.auth()
seen["user"] = gl.user.username
seen["version"] = gl.version()[0]

project = gl.projects.create({"path": "snake/app", "repository_url": "https://git.example.org/snake.git"})
for number in range(3):
    gl.projects.create({"path": f"snake/more-{number}", "repository_url": f"https://git.example.org/{number}.git"})
seen["by_path"] = gl.projects.get("snake/app").id == project.id
seen["offset"] = sorted(p.name for p in gl.projects.list(per_page=2, iterator=True))
seen["total"] = gl.projects.list(per_page=2, iterator=True).total
seen["keyset"] = [p.name for p in gl.projects.list(pagination="keyset", order_by="id", sort="asc", per_page=2, iterator=True)]

mirror = project.remote_mirrors.create({"url": "https://me:token-1@m.example.org/a.git", "enabled": True})
seen["url"] = mirror.url
mirror.enabled = False
mirror.only_protected_branches = True
mirror.save()
[listed] = project.remote_mirrors.list(get_all=True)
seen["mirror"] = [listed.enabled, listed.only_protected_branches, listed.update_status]
try:
    project.remote_mirrors.create({"url": "git@h.example.org:x/y"})
except gitlab.GitlabCreateError as error:
    seen["refused"] = [error.response_code, error.error_message["url"]]
gl.http_delete(f"/projects/{project.id}/remote_mirrors/{listed.id}")
seen["left"] = len(project.remote_mirrors.list(get_all=True))

branch = project.protectedbranches.create({"name": "release/*", "push_access_level": 40})
seen["branch"] = project.protectedbranches.get("release/*").id == branch.id
branch.delete()

gl.http_put(f"/projects/{project.id}/mirror/pull", post_data={"url": "https://up.example.org/a.git", "enabled": True})
seen["started"] = project.mirror_pull() is None
seen["pull"] = gl.http_get(f"/projects/{project.encoded_id}/mirror/pull")["url"]

settings = gl.settings.get()
settings.silent_mode_enabled = True
settings.save()
seen["silent"] = gl.settings.get().silent_mode_enabled
project.delete()
try:
    gl.projects.get("snake/app")
except gitlab.GitlabGetError as error:
    seen["gone"] = [error.response_code, error.error_message]
try:
    gitlab.Gitlab(sys.argv[1], private_token="nonsense").auth()
except gitlab.GitlabAuthenticationError as error:
    seen["stranger"] = error.response_code
print(json.dumps(seen))
