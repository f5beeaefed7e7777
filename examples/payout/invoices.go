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
	"time"

	"github.com/nexpay-go/resilience/nexpay"
)

//go:embed testdata/invoices.csv
var sample string

// An invoice is one line of the file.
type invoice struct {
	id    string
	order nexpay.Order // the same after a restart: all of it comes from the file
}

var columns = []string{"id", "requestTime", "amount", "beneficiaryName", "beneficiaryAccount", "beneficiaryReference"}

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
		i, err := parseInvoice(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("invoice %d: %w", n+1, err))
		}
		if before, twice := seen[i.id]; twice {
			errs = append(errs, fmt.Errorf("invoice %d has the id of invoice %d", n+1, before))
		}
		seen[i.id] = n + 1
		invoices = append(invoices, i)
	}
	return invoices, errors.Join(errs...)
}

// parseInvoice parses a line and reports everything that is wrong with it.
func parseInvoice(line []string) (invoice, error) {
	i := invoice{id: line[0], order: nexpay.Order{
		ExternalPaymentID: line[0], Amount: line[2],
		BeneficiaryName: line[3], BeneficiaryAccount: line[4], BeneficiaryReference: line[5],
	}}
	var errs []error
	if i.id == "" {
		errs = append(errs, errors.New("it has no id"))
	}
	requested, err := time.Parse(time.RFC3339, line[1])
	if err != nil {
		return i, errors.Join(append(errs, errors.New("its requestTime is not a time such as 2026-03-02T09:00:00Z"))...)
	}
	i.order.RequestTime = requested
	_, err = i.order.Form()
	return i, errors.Join(append(errs, err)...)
}
