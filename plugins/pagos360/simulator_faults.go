package main

import "github.com/bulkrunner/runner/sdk/simulator"

const (
	no              = "no"
	yes             = "yes"
	shapeTurns      = "turns"
	shapeChildren   = "children"
	shapeErrors     = "errors"
	shapeError      = "error"
	shapeNone       = "none"
	unsignedRefuse  = "refuse"
	unsignedCancel  = "cancel"
	adhesionKeeps   = "keeps"
	adhesionCancels = "cancels"
	oldestFirst     = "oldest"
	newestFirst     = "newest"
	emptyNull       = "null"
	emptyObject     = "object"
	eventsKnown     = "documented"
	eventsAll       = "all"
)

var (
	otherID       = simulator.Share("other_id", "Share of requests that are carried out and whose answer names another id.")
	forbidden     = simulator.Share("forbidden", "Share of requests answered 403, without effect. Why the API does so isn't documented.")
	flipBetween   = simulator.Share("flip_between", "Share of pending debits that go into process right after a read has shown them as pending.")
	revertBetween = simulator.Share("revert_between", "Share of paid debits that are reverted right after a read has shown them as paid.")
	refundBetween = simulator.Share("refund_between", "Share of paid debits that are refunded right after a read has shown them as paid.")
	signBetween   = simulator.Share("sign_between", "Share of adhesions that are signed right after a read has shown them as unsigned.")
	rejectDue     = simulator.Share("reject_due", "Share of debits that are rejected where they would be paid.")
	clock         = simulator.Duration("clock", "How far the API's clock is ahead. A created debit goes into process 48 business hours before it is due and is then paid.", 0)
	readLag       = simulator.Duration("read_lag", "How long reads and lists go on showing a former state. Whether Pagos360's do isn't documented.", 0)
	cutDay        = simulator.Number("cut_day", "The day of the month on which cards are debited, which the API doesn't show.", 19, 1, 28)
	leadDays      = simulator.Number("lead_days", "How many business days ahead a bank account's debit must be due: 3 by a public client.", 0, 0, 30)
	refusedCancel = simulator.Number("refused_cancel", "The status of a cancellation that is refused. Not documented.", 400, 400, 499)
	createdStatus = simulator.Number("created", "The status of a creation: 201 by one client, 200 by another.", 201, 200, 201)
	maxLimit      = simulator.Number("max_limit", "The most rows that a page has, whatever limit asks for. Not documented.", 100, 1, 1000)
	drift         = simulator.Number("drift", "How many pending debits of each page go into process once it has been read, so that the pages behind it move.", 0, 0, 1000)
	listOrder     = simulator.Word("list_order", "Whether lists begin with the oldest or the newest. Not documented.", oldestFirst, newestFirst)
	window        = simulator.Duration("window", "How far back a list goes that isn't asked from when; 0 is for ever. Not documented: a public client asks as if there were a bound.", 0)
	ignoreFilters = simulator.Word("ignore_filters", "Whether a list ignores every filter, as it does those that it doesn't know.", no, yes)
	errorShape    = simulator.Word("error_shape", "The body of a refusal: one of three that clients read, in turn, or none. Not documented.", shapeTurns, shapeChildren, shapeErrors, shapeError, shapeNone)
	spelling      = simulator.Word("spelling", "How in process is spelled: as in the documentation, or as in the SDKs.", inProcessToo, inProcess)
	noMetadata    = simulator.Word("no_metadata", "What a thing without metadata shows of it: null, or an empty object. Not documented.", emptyNull, emptyObject)
	unsigned      = simulator.Word("unsigned", "What cancelling an adhesion does that nobody has signed. Not documented.", unsignedRefuse, unsignedCancel)
	adhesionOnto  = simulator.Word("adhesion_cancel", "What cancelling an adhesion does to its pending debits: keeps or cancels them. Not documented.", adhesionKeeps, adhesionCancels)
	notifyEvents  = simulator.Word("notify_events", "Which changes of state are told: those in the documented list of events, which has no in process, or all.", eventsKnown, eventsAll)
	generate      = simulator.Number("generate", "How many debits of each kind there are beside those that are seeded, in mixed states, of cards in the next month and the one after.", 0, 0, 1_000_000)
)

// switches are what can be set about the simulation beside what can be about
// any.
var switches = []simulator.Toggle{
	otherID, forbidden, flipBetween, revertBetween, refundBetween, signBetween, rejectDue, clock, readLag, cutDay, leadDays, refusedCancel, createdStatus,
	maxLimit, drift, listOrder, window, ignoreFilters, simulator.List, errorShape, spelling, noMetadata, unsigned, adhesionOnto,
	simulator.NotifyURL, simulator.NotifyTwice, notifyEvents, generate,
}

// Set turns a switch. Generate makes things rather than faults.
func (s *simulation) Set(fault, value string) error {
	if err := s.Front.Set(fault, value); err != nil || fault != "generate" {
		return err
	}
	f := s.Fate("")
	s.things.generate(generate.In(f), s.clock(f))
	return nil
}
