"""A small service for the supervisor's tests: it keeps one row for each start in its database.

`/readyz` answers 200, `/starts` the number of rows, `/die?7` ends the process with code 7.
"""

import http.server
import os
import sys
from urllib.parse import urlsplit

import psycopg

with psycopg.connect(os.environ["ATTEST_OWNER_DATABASE_URL"]) as owner:
    owner.execute("CREATE TABLE IF NOT EXISTS starts (at timestamptz DEFAULT now())")
    app = urlsplit(os.environ["ATTEST_DATABASE_URL"]).username
    owner.execute(f"GRANT SELECT, INSERT ON starts TO {app}".encode())
with psycopg.connect(os.environ["ATTEST_DATABASE_URL"]) as connection:
    connection.execute("INSERT INTO starts DEFAULT VALUES")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, argument = self.path.partition("?")
        if path == "/die":
            print("the disk controller is on fire", file=sys.stderr, flush=True)
            os._exit(int(argument))
        with psycopg.connect(os.environ["ATTEST_DATABASE_URL"]) as connection:
            row = connection.execute("SELECT count(*) FROM starts").fetchone()
        body = str(row[0] if row else 0).encode()
        self.send_response(503 if os.environ.get("TOY") == "never ready" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["ATTEST_HTTP_PORT"])), Handler).serve_forever()
