package main

import (
	"net/http"
	"time"

	"github.com/bulkrunner/runner/sdk/simulator"
)

const (
	scopesIgnored  = "ignored"
	scopesChecked  = "checked"
	refuse         = "refuse"
	accept         = "accept"
	unknown404     = "404"
	unknownFailure = "failure"
	showsAll       = "all"
	showsOne       = "one"
	refundNone     = "none"
	refundMade     = "made"
	no             = "no"
	yesWord        = "yes"
	shapeStatus    = "status"
	shapeV1        = "v1"
	shapeMessage   = "message"
	shapeError     = "error"
	deletesAll     = "all"
	deletesFirst   = "first"
	timesDiffer    = "differs"
	timesAgree     = "agrees"
)

var (
	tokenError         = simulator.Share("token_error", "Share of token requests answered 500.")
	tokenRevoked       = simulator.Share("token_revoked", "Share of requests that find their token ended before its time, for themselves and all others that have it.")
	unsuccessful       = simulator.Share("unsuccessful", "Share of requests answered as failures, without effect. What a failure looks like isn't documented.")
	drift              = simulator.Share("drift", "Share of charges seeded as pending that are AUTORIZADO in truth, as where a list is old.")
	registeredBetween  = simulator.Share("register_between", "Share of charges that are PENDIENTE right after a read has shown them as REGISTRADO.")
	authoriseBetween   = simulator.Share("authorise_between", "Share of pending charges that are paid right after a read has shown them as pending.")
	denyBetween        = simulator.Share("deny_between", "Share of pending charges that are DENEGADO right after a read has shown them as pending.")
	expireBetween      = simulator.Share("expire_between", "Share of pending charges that are EXPIRADO right after a read has shown them as pending.")
	settleBetween      = simulator.Share("settle_between", "Share of charges that are LIQUIDADO right after a read has shown them as AUTORIZADO.")
	depositBetween     = simulator.Share("deposit_between", "Share of charges that are DEPOSITADO right after a read has shown them as LIQUIDADO.")
	declined           = simulator.Share("declined", "Share of new charges by card that come out DENEGADO.")
	shortAnswer        = simulator.Share("short_answer", "Share of deletions that are carried out and answered in an older page's form, without the charge.")
	otherCharge        = simulator.Share("other_charge", "Share of requests that are carried out and whose answer names another charge.")
	clock              = simulator.Duration("clock", "How far the API's clock is ahead, for expires: a charge that is seeded was made before that.", 0)
	readLag            = simulator.Duration("read_lag", "How long reads go on showing a charge's former state. Whether Pay-me's do isn't documented.", 0)
	tokenLife          = simulator.Duration("token_life", "How long a token lives, in whole seconds. Not documented.", time.Hour)
	expires            = simulator.Word("expires", "Whether a pending charge is EXPIRADO when its expiration_date has passed, a day after it was made. The state is documented, and not what leads to it.", no, yesWord)
	scopes             = simulator.Word("scopes", "Whether a token's scopes are ignored or checked. Not documented.", scopesIgnored, scopesChecked)
	undocumentedDelete = simulator.Word("undocumented_delete", "What a deletion does in a state that it isn't documented for: refuse, or accept, which says that it was processed and changes nothing.", refuse, accept)
	deleteOf           = simulator.Word("delete_of", "Which of an operation's transactions a deletion is of: all or the first. Not documented.", deletesAll, deletesFirst)
	failureStatus      = simulator.Number("failure_status", "The HTTP status of failures. Not documented.", http.StatusOK, 200, 599)
	failureShape       = simulator.Word("failure_shape", "The body of a failure: with the status object of successes, as an older page has it, or with the message or error that Alignet's plugin reads. Not documented.", shapeStatus, shapeV1, shapeMessage, shapeError)
	unknownCharge      = simulator.Word("unknown_charge", "What a read of an unknown charge answers: HTTP 404, or a failure. Not documented.", unknown404, unknownFailure)
	unknownRefund      = simulator.Word("unknown_refund", "What a read of an operation without a refund answers: an empty list, HTTP 404, or a failure. Not documented.", refundNone, unknown404, unknownFailure)
	tokenStatus        = simulator.Number("token_status", "The HTTP status of a refused token request. Not documented.", http.StatusUnauthorized, 200, 599)
	readShows          = simulator.Word("read_shows", "Whether a read shows all of an operation's transactions or the one that it names. Not documented.", showsAll, showsOne)
	reversalRefund     = simulator.Word("reversal_refund", "Whether reversing a charge makes a refund that can be read: none, or made. Not documented.", refundNone, refundMade)
	repeatCharge       = simulator.Word("repeat_charge", "What a second charge with a number that was used does: refuse, or accept as a further transaction. Not documented.", refuse, accept)
	notifyDeleted      = simulator.Word("notify_deleted", "Whether a deletion is notified, as what becomes of a charge otherwise is. Not documented.", no, yesWord)
	unixTime           = simulator.Word("unix_time", "Whether unix_time differs from utc_time in the answer to a new charge, as in the documented sample, or agrees with it.", timesDiffer, timesAgree)
)

// switches are what can be set about the simulation beside what can be about
// any.
var switches = []simulator.Toggle{
	tokenError, tokenRevoked, unsuccessful, drift, registeredBetween, authoriseBetween, denyBetween, expireBetween, settleBetween, depositBetween, declined, shortAnswer,
	otherCharge, clock, readLag, tokenLife, expires, scopes, undocumentedDelete, deleteOf, failureStatus, failureShape, unknownCharge, unknownRefund, tokenStatus, readShows,
	reversalRefund, repeatCharge, unixTime, simulator.NotifyURL, simulator.NotifyTwice, notifyDeleted,
}
