package nexpay

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

const (
	formType = "application/x-www-form-urlencoded"
	maxBody  = 1 << 20 // bytes of a body that Sign is willing to hold in memory
)

var (
	errBodySize error = mistake("nexpay: the request body is larger than 1 MiB")
	errBodyRead error = mistake("nexpay: the request body cannot be read")
)

// readBody returns the body and leaves the request able to send it.
func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil || body == nil {
			return nil, errors.Join(errBodyRead, err)
		}
		return readAll(body)
	}
	raw, err := readAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	req.Body, _ = req.GetBody()
	return raw, nil
}

func readAll(body io.ReadCloser) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if closing := body.Close(); err == nil {
		err = closing
	}
	switch {
	case err != nil:
		return nil, errors.Join(errBodyRead, err)
	case len(raw) > maxBody:
		return nil, errBodySize
	}
	return raw, nil
}
