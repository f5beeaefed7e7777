// Vendors runs the SDKs of vendors against a server on the loopback interface, which gives each the answers that
// ../samples has for the vendor's catalog, and some that any gateway gives. It compares what it sees
// with the tables of docs/catalogs.md, prints those that differ, and ends with status 1 if there are any.
//
//	go run .            # in this folder; needs Node.js 20 and npm, with a registry
//	go run . -update    # writes what it sees into the page
//	go run . stripe aws # these only
//
// It takes about three minutes and is no part of the tests. The versions of the SDKs are those of go.mod and of
// package-lock.json; they are installed in a temporary folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"time"
)

// Each SDK has as long for its answers, all at the same time: one that still sends then is stopped.
const timeout = 30 * time.Second

// vendor is a catalog with the SDKs that call its API.
type vendor struct {
	name string
	sdks []sdk
}

var vendors = []vendor{
	{"stripe", []sdk{node("stripe"), {"stripe-go", "github.com/stripe/stripe-go/v85", inGo(stripeCall)}}},
	{"adyen", []sdk{node("@adyen/api-library")}},
	{"paypal", []sdk{node("@paypal/paypal-server-sdk")}},
	{"square", []sdk{node("square")}},
	{"mollie", []sdk{node("@mollie/api-client")}},
	{"gocardless", []sdk{node("gocardless-nodejs")}},
	{"checkout", []sdk{node("checkout-sdk-node")}},
	{"plaid", []sdk{node("plaid")}},
	{"github", []sdk{node("@octokit/rest"), node("@octokit/plugin-retry"), {"go-github", "github.com/google/go-github/v93", inGo(githubCall)}}},
	{"slack", []sdk{node("@slack/web-api"), {"slack-go/slack", "github.com/slack-go/slack", inGo(slackCall)}}},
	{"twilio", []sdk{node("twilio"), {"twilio-go", "github.com/twilio/twilio-go", inGo(twilioCall)}}},
	{"shopify", []sdk{node("@shopify/shopify-api")}},
	{"openai", []sdk{node("openai"), {"openai-go", "github.com/openai/openai-go/v3", inGo(openaiCall)}}},
	{"anthropic", []sdk{node("@anthropic-ai/sdk"), {"anthropic-sdk-go", "github.com/anthropics/anthropic-sdk-go", inGo(anthropicCall)}}},
	{"google-rpc", []sdk{{"google.golang.org/api", "google.golang.org/api", inGo(googleCall)}}},
	{"aws", []sdk{node("@aws-sdk/client-kms"), {"aws-sdk-go-v2", "github.com/aws/aws-sdk-go-v2", inGo(awsCall)}}},
	{"azure-arm", []sdk{node("@azure/core-rest-pipeline"), {"azcore", "github.com/Azure/azure-sdk-for-go/sdk/azcore", inGo(azureCall)}}},
}

func main() {
	log.SetFlags(0)
	update := flag.Bool("update", false, "write what is seen into the page")
	root := flag.String("root", "../../..", "folder of the repository")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	differ, err := run(ctx, *root, *update, flag.Args())
	if err != nil {
		log.Print(err)
		os.Exit(2)
	}
	if differ && !*update {
		os.Exit(1)
	}
}

// run reports whether the page said anything else.
func run(ctx context.Context, root string, update bool, only []string) (differ bool, err error) {
	p, err := readPage(root + "/docs/catalogs.md")
	if err != nil {
		return false, err
	}
	folder, err := install(ctx)
	defer os.RemoveAll(folder)
	if err != nil {
		return false, err
	}
	for _, v := range vendors {
		if len(only) > 0 && !slices.Contains(only, v.name) {
			continue
		}
		table, err := v.play(ctx, root, folder)
		if err != nil {
			return differ, fmt.Errorf("%s: %w", v.name, err)
		}
		changed, err := p.set(v.name, table)
		if err != nil {
			return differ, err
		}
		if changed {
			differ = true
			fmt.Printf("## %s\n\n%s\n", v.name, table)
		}
	}
	if update {
		return differ, p.write()
	}
	return differ, nil
}

// play has each SDK of a vendor make one call per answer, and makes a table of it.
func (v vendor) play(ctx context.Context, root, folder string) (string, error) {
	answers, err := readAnswers(root, v.name)
	if err != nil {
		return "", err
	}
	t := table{answers: answers}
	for _, s := range v.sdks {
		version, err := s.version(folder)
		if err != nil {
			return "", err
		}
		log.Printf("%s %s", s.name, version)
		servers := serve(answers)
		urls := map[string]string{}
		for name, server := range servers {
			urls[name] = server.url
		}
		limited, cancel := context.WithTimeout(ctx, timeout)
		ends, err := s.run(limited, folder, urls)
		cancel()
		for _, server := range servers {
			server.close()
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.name, err)
		}
		t.add(s.name+" "+version, servers, ends)
	}
	return t.String(), nil
}
