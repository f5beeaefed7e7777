package main

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/nexpay-go/resilience/nexpay"
)

//go:embed testdata/invoices.csv
var sample string

// An invoice is one line of the file.
type invoice struct {
	id, requestTime, iban, name, amount, currency string
}

var columns = []string{"id", "requestTime", "iban", "name", "amount", "currency"}

// load reads the invoices. The whole file is checked before anything is paid.
func load(file string) ([]invoice, error) {
	if file == "" {
		return read(strings.NewReader(sample))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f)
}

func read(r io.Reader) ([]invoice, error) {
	lines, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 || !slices.Equal(lines[0], columns) {
		return nil, fmt.Errorf("the first line of the invoices has to be %s", strings.Join(columns, ","))
	}
	var invoices []invoice
	var errs []error
	seen := map[string]int{}
	for n, line := range lines[1:] {
		i := invoice{line[0], line[1], line[2], line[3], line[4], line[5]}
		if i.id == "" || i.requestTime == "" {
			errs = append(errs, fmt.Errorf("invoice %d has no id or requestTime", n+1))
		}
		if before, twice := seen[i.id]; twice {
			errs = append(errs, fmt.Errorf("invoice %d has the id of invoice %d", n+1, before))
		}
		seen[i.id] = n + 1
		invoices = append(invoices, i)
	}
	return invoices, errors.Join(errs...)
}

// order is the payment as it is sent. All of it comes from the invoice, so that
// it is the same after a restart, requestTime included.
func (i invoice) order() nexpay.Form {
	return nexpay.Form{
		{Name: "requestTime", Value: i.requestTime},
		{Name: "externalPaymentId", Value: i.id},
		{Name: "iban", Value: i.iban},
		{Name: "receiverName", Value: i.name},
		{Name: "amount", Value: i.amount},
		{Name: "currency", Value: i.currency},
	}
}
