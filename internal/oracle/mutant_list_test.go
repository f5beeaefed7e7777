package oracle_test

// mutants are the ways in which an engine like this goes wrong.
var mutants = []mutant{
	{"resend without a lookup", []string{"M4"}, []edit{
		{"look.go", "found := o.look(ctx, needed)", "found := Absent\n\t_ = needed"},
	}},
	{"code 50 believed, though something may have repeated the request", []string{"M1", "M2", "M3"}, []edit{
		{"proof.go", "|| !p.noReplay && v.Class == classify.Resync", ""},
		{"proof.go", "return p.noReplay || !p.refusesNonce(e)", "return true"},
	}},
	{"code 50 among others believed", []string{"M1", "M2", "M3"}, []edit{
		{"proof.go", "return p.noReplay || !p.refusesNonce(e)", "return true"},
	}},
	{"one Absent is enough", []string{"M4"}, []edit{
		{"look.go", "needed := 2", "needed := 1"},
	}},
	{"the second lookup at once", []string{"M4"}, []edit{
		{"look.go", "due = later(a.ended, o.settleTime)", "due = a.ended"},
	}},
	{"the second lookup a little too early", []string{"M4"}, []edit{
		{"look.go", "due = later(a.ended, o.settleTime)", "due = later(a.began, o.settleTime)"},
	}},
	{"an Absent of before the last send counts", []string{"M4"}, []edit{
		{"proof.go", "\to.doubt.Absent = 0\n", ""},
	}},
	{"Absent with an error believed", []string{"M4"}, []edit{
		{"look.go", "case found == Absent && err == nil:", "case found == Absent:"},
	}},
	{"an Absent of another key believed", []string{"M4"}, []edit{
		{"look.go", "return ticket.Key() == o.key && ticket.Nonce() > o.fence", "return ticket.Nonce() > o.fence"},
	}},
	{"an Absent with a nonce below the send's believed", []string{"M4"}, []edit{
		{"look.go", "return ticket.Key() == o.key && ticket.Nonce() > o.fence", "return ticket.Key() == o.key"},
	}},
	{"Applied with an error not believed", []string{"M4"}, []edit{
		{"look.go", "case found == Applied:\n\t\ta.found", "case found == Applied && err == nil:\n\t\ta.found"},
	}},
	{"a denial after doubt is not looked up", []string{"M4"}, []edit{
		{"look.go", "case o.everDoubt && o.denied():", "case false:"},
	}},
	{"old doubt is resent", []string{"M5"}, []edit{
		{"look.go", "const tooOld = time.Hour", "const tooOld = 100 * time.Hour"},
	}},
	{"another process is not given the time to send", []string{"M4", "M6"}, []edit{
		{"begin.go", "o.notBefore = later(clock(), sending)", "o.notBefore = clock()"},
	}},
	{"the journal says yes too late", []string{"M4", "M6"}, []edit{
		{"begin.go", "if err == nil && clock()-began > journalTime {", "if false {\n\t\t_ = began"},
	}},
	{"begin after the send", []string{"M6"}, []edit{
		{"turn.go", "if c.once != nil && !c.looking && !c.once.begin(ctx) {\n\t\t\tc.unsent()\n\t\t\treturn false\n\t\t}\n", ""},
		{"turn.go", "c.err = c.run(ctx, op, lease.Probe())\n", "c.err = c.run(ctx, op, lease.Probe())\n\t\tif c.once != nil && !c.looking {\n\t\t\tc.once.begin(ctx)\n\t\t}\n"},
	}},
	{"the generation is not compared", []string{"M6"}, []edit{
		{"begin.go", "if held.Owner != e.Owner || held.Generation != e.Generation+1 {", "if false {"},
	}},
	{"whose Begin it was is not compared", []string{"M6"}, []edit{
		{"begin.go", "if held.Owner != e.Owner || held.Generation != e.Generation+1 {", "if held.Generation != e.Generation+1 {"},
	}},
	{"the generation is that of the last moment", []string{"M6"}, []edit{
		{"begin.go", "\tbegan := clock()\n", "\tbegan := clock()\n\tif now, err := o.r.journal.Begin(bounded, Entry{ID: e.ID, Generation: ReadGeneration}); err == nil {\n\t\te.Generation = now.Generation\n\t}\n"},
	}},
	{"the journal is not read first", []string{"M6"}, []edit{
		{"once.go", "state := o.recall(ctx)", "state := EntryState(0)"},
	}},
	{"a journal that cannot be read is taken for an empty one", []string{"M6", "M1"}, []edit{
		{"begin.go", "if err != nil {\n\t\to.unreadable(ctx, err)\n\t\treturn 0", "if err != nil {\n\t\treturn 0"},
	}},
	{"sent, though the journal failed", []string{"M6"}, []edit{
		{"begin.go", "\tif err != nil {\n\t\to.unreadable(ctx, err)\n\t\treturn false\n\t}", "\tif err != nil {\n\t\treturn true\n\t}"},
	}},
	{"what is open in the journal is taken for not applied", []string{"M6", "M1"}, []edit{
		{"begin.go", "if held.State == EntryOpen {\n\t\to.inherit(ctx)\n\t}", ""},
	}},
	{"the fingerprint is not compared", []string{"M6"}, []edit{
		{"begin.go", "|| held.Fingerprint == o.fingerprint {", "|| true {"},
	}},
	{"a nonce is used twice", []string{"N1"}, []edit{
		{"judge.go", "c.ticket = newer\n", "_ = newer\n"},
	}},
	{"the key is not kept", []string{"M9", "M4"}, []edit{
		{"enter.go", "|| !c.once.pinned {", "|| true {"},
		{"begin.go", "if o.call.key() != o.key {", "if false {"},
	}},
	{"End does not run when canceled", []string{"M8"}, []edit{
		{"begin.go", "bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTime)", "bounded, cancel := context.WithTimeout(ctx, journalTime)"},
	}},
	{"doubt is closed as not applied", []string{"M8"}, []edit{
		{"once.go", "o.close(ctx, EntryOpen)", "o.close(ctx, EntryNotApplied)"},
	}},
	{"success is not closed", []string{"M8"}, []edit{
		{"once.go", "o.call.succeed(ctx)\n\to.close(ctx, EntryApplied)\n\treturn nil\n}\n\n// applied", "o.call.succeed(ctx)\n\treturn nil\n}\n\n// applied"},
	}},
	{"a success is lost to the cancellation", []string{"M8", "M2"}, []edit{
		{"turn.go", "c.err = c.run(ctx, op, lease.Probe())\n", "c.err = c.run(ctx, op, lease.Probe())\n\t\tif ctx.Err() != nil {\n\t\t\tc.err = ctx.Err()\n\t\t}\n"},
	}},
	{"what exits under Recover is reported as done", []string{"M2", "M8"}, []edit{
		{"recover.go", "\tone.Err = left(one.ID, errExited)\n", ""},
	}},
	{"a panic keeps the ID", []string{"timid"}, []edit{
		{"once.go", "defer r.release(o.id)", "defer func() {\n\t\tif o.ended != nil || o.err == nil {\n\t\t\tr.release(o.id)\n\t\t}\n\t}()"},
	}},
	{"an unknown outcome is also what was answered last", []string{"M5"}, []edit{
		{"doubt.go", "if errors.Is(e.Last, other) {", "if false {\n\t\t\t_ = other"},
	}},
	{"an unknown outcome is also what caused it", []string{"M5"}, []edit{
		{"doubt.go", "errs := []error{e.Reason}", "errs := []error{e.Reason, e.Doubt.Blocked}"},
	}},
	{"doubt ends as whatever stood in the way", []string{"M3", "M2"}, []edit{
		{"once.go", "o.close(ctx, EntryOpen)\n\t\to.stop(ErrOutcomeUnknown, nil)", "o.close(ctx, EntryOpen)\n\t\to.stop(o.doubt.Blocked, nil)"},
	}},
	{"nobody can look, and it does not say so", []string{"M5"}, []edit{
		{"look.go", "o.doubt.Blocked = errNoVerify\n", ""},
	}},
	{"a hidden first try is overlooked", []string{"M1", "M2", "M3"}, []edit{
		{"proof.go", "&& !p.connected", ""},
	}},
	{"half an answer is believed", []string{"M1", "M2", "M3"}, []edit{
		{"proof.go", "|| !e.Complete() {", "{"},
	}},
	{"a 409 is believed", []string{"M1", "M2", "M3"}, []edit{
		{"proof.go", "http.StatusRequestTimeout, http.StatusConflict,", "http.StatusRequestTimeout,"},
	}},
	{"a 5xx is believed if its code is", []string{"M1", "M2", "M3"}, []edit{
		{"proof.go", "if v.Effect != classify.NotApplied ||", "if v.Effect != classify.NotApplied && v.Status < 500 ||"},
		{"proof.go", "e.Status > 499 ||", "e.Status > 599 ||"},
	}},
	{"one of joined errors is enough", []string{"M1", "M2", "M3"}, []edit{
		{"proof.go", "if !p.proved(err, &v) {\n\t\t\treturn false\n\t\t}\n\t\tsome = true", "some = some || p.proved(err, &v)"},
		{"proof.go", "if v.Effect != classify.NotApplied ||", "if _, joined := err.(interface{ Unwrap() []error }); !joined && v.Effect != classify.NotApplied ||"},
	}},
	{"Fix after doubt", []string{"M7"}, []edit{
		{"again.go", "c.once != nil && c.once.everDoubt || !c.mayResend", "!c.mayResend"},
	}},
	{"no proof is ever good enough", []string{"timid"}, []edit{
		{"proof.go", "return p.noReplay || !p.refusesNonce(e)", "return false"},
	}},
	{"no connection is no proof", []string{"timid"}, []edit{
		{"proof.go", "&& !p.connected", "&& false"},
	}},
	{"it looks three times only", []string{"timid"}, []edit{
		{"look.go", "if a.final || !o.rest(", "if n == 3 || a.final || !o.rest("},
	}},
	{"two Absents are not enough", []string{"timid"}, []edit{
		{"look.go", "o.doubt.Absent > 0 && a.began >= due,", "o.doubt.Absent > 5 && a.began >= due,"},
	}},
}
