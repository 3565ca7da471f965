"""Smart HTTP by dulwich's own WSGI application, for the repositories of a folder: prints its port, ends with its standard input."""
import os
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from dulwich.repo import Repo
from dulwich.server import Backend
from dulwich.web import make_wsgi_chain


class FolderBackend(Backend):
    def __init__(self, root):
        self.root = root

    def open_repository(self, path):
        # Anew for each request: a Repo remembers packed refs.
        return Repo(os.path.join(self.root, path.lstrip("/")))


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format, *args):
        pass


server = make_server("127.0.0.1", 0, make_wsgi_chain(FolderBackend(sys.argv[1])), ThreadingServer, QuietHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.buffer.read()
