package retryhttp

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// endpoint is the name of the part of the API that the request is for.
func (t *Transport) endpoint(req *http.Request) string {
	if t.Endpoint != nil {
		return t.Endpoint(req)
	}
	return host(req.URL)
}

// host is the host of a URL in one of the ways in which it can be written: in small
// letters, without a dot at its end, without the port if that is the one its scheme
// has anyway, an IPv6 address as RFC 5952 has it. Who sends us to a host, in a
// redirect say, must not have as many breakers for it as there are ways to write it.
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

// plain reports whether a host is in the form it is to have, as nearly all are.
func plain(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case c == ':', c == '[', c >= 'A' && c <= 'Z', c >= 0x80:
			return false
		}
	}
	return !strings.HasSuffix(host, ".")
}
