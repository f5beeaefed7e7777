#!/bin/bash
# What proxies do with a request that an upstream has read whole and then closed
# the connection on, without an answer: do they send it again, to it or to another?
#
# Run on 2026-11-27 with Debian 12's packages, each with two upstreams and otherwise
# its defaults. How often the two saw a request in all: over a new connection/over
# one that was kept. GET and DELETE have no body; PUT-empty and POST-empty say
# Content-Length: 0.
#
# proxy     version                      GET     DELETE        PUT       POST      PATCH  PUT-empty POST-empty
# nginx     1.22.1-9+deb12u11            2/2        2/2        2/2        1/1        1/1        2/2        1/1
# squid     5.7-2+deb12u6                2/4        2/4        1/1        1/1        1/1        2/4        1/1
# varnish   7.1.1-2+deb12u1              1/2        1/2        1/1        1/1        1/1        1/2        1/2
# caddy     2.6.2-5                      1/2        1/1        1/1        1/1        1/1        1/1        1/1
# haproxy   2.6.12-1+deb12u4             1/1        1/1        1/1        1/1        1/1        1/1        1/1
# apache2   2.4.71-1~deb12u1             1/1        1/1        1/1        1/1        1/1        1/1        1/1
# lighttpd  1.4.69-1                     1/1        1/1        1/1        1/1        1/1        1/1        1/1
#
# So no POST with a body is sent twice, and a GET, DELETE or PUT may be, with the
# nonce and signature that it had. varnish does that with whatever has no body, a
# POST too, when a connection that it had kept breaks. docs/http.md tells what
# follows from it.
#
# Usage: findings/proxies-repeat-requests.sh [--install]
#
# It needs python3 and Debian's packages nginx, squid, varnish, caddy,
# haproxy, apache2 and lighttpd. With --install, as root, it installs with apt-get
# those that are missing, and starts no service; without it says which are missing.
# Everything runs on free ports of 127.0.0.1, in a folder that is removed at the
# end, and is stopped: a run takes some 4 minutes, and ends after 15 or a
# little more whatever happens.
#
# Exit status: 0 if all is as above, 1 if a proxy does something else, 2 if not all of
# them were run.
set -u -o pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/usr/local/sbin

packages="nginx squid varnish caddy haproxy apache2 lighttpd"
requests="GET DELETE PUT POST PATCH PUT-empty POST-empty" # the first two have no body either

# proxy, then how often the two upstreams saw each of the requests: over a new
# connection/over one that was kept.
seen_then="
nginx     2/2 2/2 2/2 1/1 1/1 2/2 1/1
squid     2/4 2/4 1/1 1/1 1/1 2/4 1/1
varnish   1/2 1/2 1/1 1/1 1/1 1/2 1/2
caddy     1/2 1/1 1/1 1/1 1/1 1/1 1/1
haproxy   1/1 1/1 1/1 1/1 1/1 1/1 1/1
apache2   1/1 1/1 1/1 1/1 1/1 1/1 1/1
lighttpd  1/1 1/1 1/1 1/1 1/1 1/1 1/1
"

# A command that a package brings.
command_of() {
	case $1 in
	varnish) echo varnishd ;;
	*) echo "$1" ;;
	esac
}

absent() {
	local p
	for p in $packages; do
		command -v "$(command_of "$p")" >/dev/null || echo "$p"
	done
}

# install adds packages; their services are not started while policy-rc.d says so.
install() {
	local policy=/usr/sbin/policy-rc.d ours=
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && ours=yes
	fi
	DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y --no-install-recommends "$@" >&2
	[ -z "$ours" ] || rm -f $policy
}

missing=$(absent)
if [ -n "$missing" ] && [ "${1:-}" = --install ]; then
	install $missing
	missing=$(absent)
fi
if [ -n "$missing" ]; then
	echo "missing, and not run:" $missing "(as root: $0 --install)"
fi
command -v python3 >/dev/null || { echo "missing: python3"; exit 2; }

dir=$(mktemp -d)
chmod 755 "$dir" # some proxies leave root behind
mkdir -m 777 "$dir/work"
set -m # each job is a process group of its own
started=()

# stop ends one process group that this script has started.
stop() {
	kill -TERM -- "-$1" 2>/dev/null
	local i
	for i in $(seq 10); do
		kill -0 -- "-$1" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -KILL -- "-$1" 2>/dev/null || true
}
finish() {
	local group
	for group in "${started[@]}"; do stop "$group"; done
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 2' INT TERM HUP

# Two upstreams. They read a request to its end, write down method and nonce, and
# close. /alive is answered, and its connection kept.
cat >"$dir/upstreams.py" <<'PYTHON'
import socketserver, sys, threading

class Upstream(socketserver.StreamRequestHandler):
    timeout = 30

    def handle(self):
        try:
            while self.one():
                pass
        except OSError:
            pass

    def one(self):
        start = self.rfile.readline(65536).decode("latin-1").split()
        if len(start) < 3:
            return False
        header = {}
        while (line := self.rfile.readline(65536).strip()):
            name, _, value = line.decode("latin-1").partition(":")
            header[name.strip().lower()] = value.strip()
        if header.get("transfer-encoding", "").lower() == "chunked":
            while (size := int(self.rfile.readline(65536).split(b";")[0], 16)) > 0:
                self.rfile.read(size + 2)
            self.rfile.readline(65536)
        else:
            self.rfile.read(int(header.get("content-length", "0")))
        if start[1].startswith("/alive"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: no-store\r\n\r\nok")
            return True
        with lock, open(sys.argv[1], "a") as log:
            log.write(f"{start[0]} {header.get('x-nonce')} {self.server.server_address[1]}\n")
        return False

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

lock = threading.Lock()
servers = [Server(("127.0.0.1", 0), Upstream) for _ in range(2)]
for s in servers:
    threading.Thread(target=s.serve_forever, daemon=True).start()
print(*(s.server_address[1] for s in servers), flush=True)
threading.Event().wait(1000)
PYTHON

log=$dir/seen
: >"$log"
python3 "$dir/upstreams.py" "$log" >"$dir/ports" &
started+=($!)
disown
for i in $(seq 100); do
	[ -s "$dir/ports" ] && break
	sleep 0.1
done
read -r one two <"$dir/ports" || { echo "the upstreams did not start"; exit 2; }

# A client: with "kept" it lets the proxy have connections to both upstreams before
# that are open still. It never sends a request twice.
cat >"$dir/client.py" <<'PYTHON'
import http.client, sys

port, request, nonce, connections = sys.argv[1:]
c = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
if connections == "kept":
    for _ in range(16):
        c.request("GET", "/alive")
        c.getresponse().read()
method, _, empty = request.partition("-")
body = b'{"amount":"12.50"}' if method in ("PUT", "POST", "PATCH") and not empty else None
try:
    c.request(method, "/payment", body, {"X-Nonce": nonce})
    c.getresponse().read()
except (OSError, http.client.HTTPException):
    pass
PYTHON

# free_port prints one below those that the system gives to clients: a connection to
# one of these may meet itself.
free_port() {
	python3 -c '
import random, socket
while True:
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", random.randrange(20000, 30000)))
            print(s.getsockname()[1])
            break
        except OSError:
            pass'
}

# configure writes the least that a proxy needs to know of two upstreams; all else
# is its default. It prints how it is started in the foreground.
configure() {
	local c=$dir/conf w=$dir/work/$1
	rm -rf "$w"
	mkdir -m 777 "$w"
	case $1 in
	nginx)
		cat >"$c" <<CONF
daemon off;
pid $w/pid;
error_log /dev/null;
events {}
http {
	access_log off;
	client_body_temp_path $w/body;
	proxy_temp_path $w/proxy;
	fastcgi_temp_path $w/fastcgi;
	uwsgi_temp_path $w/uwsgi;
	scgi_temp_path $w/scgi;
	upstream both { server 127.0.0.1:$one; server 127.0.0.1:$two; }
	server { listen 127.0.0.1:$port; location / { proxy_pass http://both; } }
}
CONF
		echo nginx -e /dev/null -c "$c"
		;;
	squid)
		cat >"$c" <<CONF
http_port 127.0.0.1:$port accel defaultsite=api.test
cache_peer 127.0.0.1 parent $one 0 no-query originserver round-robin name=one
cache_peer 127.0.0.1 parent $two 0 no-query originserver round-robin name=two
http_access allow all
pid_filename $w/pid
access_log none
cache_log $w/log
coredump_dir $w
shutdown_lifetime 0 seconds
CONF
		echo squid -N -f "$c"
		;;
	varnish)
		cat >"$c" <<CONF
vcl 4.1;
import directors;
backend one { .host = "127.0.0.1"; .port = "$one"; }
backend two { .host = "127.0.0.1"; .port = "$two"; }
sub vcl_init { new both = directors.round_robin(); both.add_backend(one); both.add_backend(two); }
sub vcl_recv { set req.backend_hint = both.backend(); }
CONF
		echo varnishd -F -j none -n "$w/run" -f "$c" -a "127.0.0.1:$port" -s malloc,16m -T none
		;;
	caddy)
		cat >"$c" <<CONF
{
	admin off
	auto_https off
}
http://127.0.0.1:$port {
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:$one 127.0.0.1:$two
}
CONF
		echo env XDG_DATA_HOME="$w" XDG_CONFIG_HOME="$w" HOME="$w" caddy run --adapter caddyfile --config "$c"
		;;
	haproxy)
		cat >"$c" <<CONF
defaults
	mode http
	timeout connect 5s
	timeout client 20s
	timeout server 20s
frontend in
	bind 127.0.0.1:$port
	default_backend both
backend both
	server one 127.0.0.1:$one
	server two 127.0.0.1:$two
CONF
		echo haproxy -db -f "$c"
		;;
	apache2)
		cat >"$c" <<CONF
ServerName localhost
ServerRoot $w
DefaultRuntimeDir $w
PidFile $w/pid
ErrorLog /dev/null
Listen 127.0.0.1:$port
User www-data
Group www-data
$(for m in mpm_event authz_core proxy proxy_http slotmem_shm proxy_balancer lbmethod_byrequests; do
			echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so"
		done)
<Proxy balancer://both>
	BalancerMember http://127.0.0.1:$one
	BalancerMember http://127.0.0.1:$two
</Proxy>
ProxyPass / balancer://both/
CONF
		echo apache2 -D FOREGROUND -f "$c"
		;;
	lighttpd)
		cat >"$c" <<CONF
server.modules = ( "mod_proxy" )
server.document-root = "$w"
server.bind = "127.0.0.1"
server.port = $port
proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => $one ), ( "host" => "127.0.0.1", "port" => $two ) ) )
CONF
		echo lighttpd -D -f "$c"
		;;
	esac
}

# start runs a proxy until stop, and waits until it accepts connections.
start() {
	port=$(free_port)
	local line i
	line=$(configure "$1")
	$line >"$dir/output" 2>&1 </dev/null &
	group=$!
	disown # no word of it when it is killed
	started+=("$group")
	for i in $(seq 150); do
		(: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return 0
		kill -0 "$group" 2>/dev/null || break
		sleep 0.1
	done
	echo "$1 did not start:" >&2
	tail -5 "$dir/output" >&2
	return 1
}

# count sends one request through a proxy that has just been started, lest it
# remembers that an upstream has failed, and sets n to how often it arrived.
count() { # proxy request new|kept
	local nonce=$1-$2-$3
	n='?'
	start "$1" || return
	if timeout 60 python3 "$dir/client.py" "$port" "$2" "$nonce" "$3"; then
		sleep 0.3 # whatever is sent behind the client's back
		n=$(grep -c " $nonce " "$log")
	fi
	stop "$group"
}

changed=
printf '%-9s %-21s' proxy version
printf ' %10s' $requests
echo
while read -r proxy then; do
	[ -n "$proxy" ] && command -v "$(command_of "$proxy")" >/dev/null || continue
	version=$(dpkg-query -W -f '${Version}' "$proxy" 2>/dev/null || echo unknown)
	printf '%-9s %-21s' "$proxy" "$version"
	now=
	for request in $requests; do
		[ $SECONDS -lt 900 ] || { echo "it takes too long"; exit 2; }
		count "$proxy" "$request" new
		new=$n
		count "$proxy" "$request" kept
		printf ' %10s' "$new/$n"
		now="$now $new/$n"
	done
	if [ "$now" = " $then" ]; then
		echo
	else
		echo "   changed, was: $then"
		changed=yes
	fi
done <<<"$seen_then"

[ -z "$changed" ] || exit 1
[ -z "$missing" ] || exit 2
