package main

import (
	"fmt"
	"math/rand/v2"
)

// cases are all that may grow with a program that does.
func cases() []growing {
	return []growing{
		{"lane: a turn, nobody else waits", false, lane, nil, ""},
		{"lane: one comes and gives up behind n waiters", false, laneGivesUp, nil, ""},
		{"lane: a turn handed on among n waiters", false, laneTurns, plainTurns, "goroutines and channels in a ring"},
		{"pool: a turn, n keys idle", false, poolIdle, plainRotation, "a mutex of n, in rotation"},
		{"pool: a turn, n-1 keys busy", false, poolOneFree, nil, ""},
		{"pool: a turn, n keys busy", false, poolFull, plainRotation, "a mutex of n, in rotation"},
		{"pool: a turn, one key locked, the others busy", false, poolOneLocked, plainRotation, "a mutex of n, in rotation"},
		{"group: Get, 8 of n endpoints in use", false, groupGet(8), plainLRU(8), "a map and a list under a mutex"},
		{"group: Get, n endpoints in use", false, groupGet(all), plainLRU(all), "a map and a list under a mutex"},
		{"group: Get of a new endpoint, n there, full", false, groupNew, plainLRUNew, "a map and a list under a mutex"},
		{"lockout: Check of a free key, n locked", false, lockoutFree, nil, ""},
		{"lockout: Check of a locked key, 8 of n in use", false, lockoutLocked(8), plainMap(merchant, 8), "a map"},
		{"lockout: Check of a locked key, n in use", false, lockoutLocked(all), plainMap(merchant, all), "a map"},
		{"lockout: Unlock and Lock, 8 of n in use", false, lockoutChange(8), plainMapChange(8), "a map, deleted and put back"},
		{"lockout: Unlock and Lock, n in use", false, lockoutChange(all), plainMapChange(all), "a map, deleted and put back"},
		{"rules: Lookup of a number, 8 of n in use", false, rules("%d", "%d", 8), plainMap("%d", 8), "a map"},
		{"rules: Lookup of a number, n in use", false, rules("%d", "%d", all), plainMap("%d", all), "a map"},
		{"rules: Lookup of a word, 8 of n in use", false, rules(word, word, 8), plainMap(word, 8), "a map"},
		{"rules: Lookup of a word, n in use", false, rules(word, word, all), plainMap(word, all), "a map"},
		{"rules: Lookup in ranges, 8 of n in use", false, rules("%d0..%[1]d9", "%d5", 8), plainSearch(8), "a binary search"},
		{"rules: Lookup in ranges, n in use", false, rules("%d0..%[1]d9", "%d5", all), plainSearch(all), "a binary search"},
		{"rules: Lookup of a beginning, 8 of n in use", false, rules("E%05d:*", "E%05d:no", 8), plainMap("E%05d:", 8), "a map"},
		{"rules: Lookup of a beginning, n in use", false, rules("E%05d:*", "E%05d:no", all), plainMap("E%05d:", all), "a map"},
		{"policies: For a code, 8 of n in use", false, policies(8), plainMap(word, 8), "a map"},
		{"policies: For a code, n in use", false, policies(all), plainMap(word, all), "a map"},
		{"journal: MemoryJournal Begin and End, 8 of n in use", false, memoryJournal(8), plainEntries(8), "a map of entries, written"},
		{"journal: MemoryJournal Begin and End, n in use", false, memoryJournal(all), plainEntries(all), "a map of entries, written"},
		{"journal: boltjournal read", false, boltRead, nil, ""},
		{"journal: boltjournal Begin and End", true, boltWrite, nil, ""},
		{"journal: boltjournal Pending, one step", false, boltPending, nil, ""},
	}
}

// named are so many names in their order, in which what is measured is made.
func named(n int, format string) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(format, i+1)
	}
	return names
}

// shuffled are the same names in an order that a processor's caches do not guess, in
// which they are asked for. They are other strings: of two that are one, Go compares
// no text.
func shuffled(n int, format string) []string {
	names := make([]string, n)
	for i, j := range rand.New(rand.NewPCG(1, uint64(n))).Perm(n) {
		names[i] = fmt.Sprintf(format, j+1)
	}
	return names
}

// round calls do with each name in turn, on and on.
func round(names []string, do func(string)) func(int) {
	at := 0
	return func(times int) {
		for range times {
			do(names[at])
			if at++; at == len(names) {
				at = 0
			}
		}
	}
}

func nothing() {}

// all is how many of n are in use where that is all of them.
const all = 1 << 30

// Names of what there is many of.
const (
	host     = "host-%d.example"
	merchant = "merchant-%d"
	invoice  = "inv-%d"
	word     = "payment_refused_%d"
)
