package retryhttp

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// endpoint returns the name of the part of the API that the request is for.
func (t *Transport) endpoint(req *http.Request) string {
	if t.Endpoint != nil {
		return t.Endpoint(req)
	}
	return host(req.URL)
}

// host returns the host of a URL in one spelling: lower case, no trailing dot, no default
// port, and IPv6 addresses as in RFC 5952. Whoever sends us to a host, for example by a
// redirect, must not be able to create several breakers for it.
func host(u *url.URL) string {
	if plain(u.Host) {
		return u.Host
	}
	name := strings.ToLower(strings.TrimRight(u.Hostname(), "."))
	if ip, err := netip.ParseAddr(name); err == nil {
		name = ip.String()
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	port := strings.TrimLeft(u.Port(), "0")
	if port == "" || port == ports[strings.ToLower(u.Scheme)] {
		return name
	}
	return name + ":" + port
}

var ports = map[string]string{"http": "80", "https": "443"}

// plain reports whether a host is in that spelling already, as nearly all are.
func plain(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case c == ':', c == '[', c >= 'A' && c <= 'Z', c >= 0x80:
			return false
		}
	}
	return !strings.HasSuffix(host, ".")
}
