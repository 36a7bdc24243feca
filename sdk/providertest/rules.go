package providertest

// A Rule is something that the runner relies on in every provider.
type Rule struct {
	Name string
	Doc  string

	needs []string // rules without which this one can't be judged
	hold  func(*suite, *verdict)
}

// Rules are all rules in the order in which they are held.
func Rules() []Rule { return append([]Rule(nil), rules...) }

// answering is what most rules need: a provider that carries out samples.
var answering = []string{"execute"}

// listing is what the rules about lists need: lists that were read.
var listing = []string{"list_pages"}

var rules = []Rule{
	{"schema", "The program starts as a provider and its schema can be used.", nil, schemaUsable},
	{"documented", "Every operation, list, attribute and fault is documented, and the rate limit has its source.", []string{"schema"}, documented},
	{"simulator", "There is a simulator, and an attribute endpoint that leads to it.", []string{"schema"}, simulates},
	{"configure", "A configuration is accepted without any network, and stands for the same account each time.", []string{"simulator"}, configures},
	{"bad_configuration", "A bad configuration is refused, with a reason that shows none of its values.", []string{"configure"}, refusesConfiguration},
	{"check", "Arguments are judged without any network; bad ones are refused without being shown.", []string{"configure"}, checks},
	{"answers", "Each call is answered once, under its own id, by its deadline, with what the schema says.", []string{"configure"}, answersOnce},
	{"execute", "Each operation succeeds for its sample, with one effect for a mutation and none for a query.", []string{"answers"}, executes},
	{"read", "A read has no effect, and the next one answers the same.", answering, readsRepeat},
	{"settled", "Before its effect an operation is not settled; after it, it is.", answering, settlesByRead},
	{"list_pages", "A list is read to its end, with one request a page; its rows are what the schema says, each has its key, and none comes twice.", []string{"answers"}, listsToTheirEnd},
	{"list_complete", "The last page of a list says that it is complete, and never where the API gives no more pages before the end.", listing, listComplete},
	{"list_total", "The last page of a list says how many rows the API counts, and not how many came.", listing, listTotal},
	{"list_filter", "A filter that the list doesn't have is refused; with one that it has, only what was asked for comes, also where the API ignores it.", listing, listFilter},
	{"list_drift", "A list from which a row goes away while it is read doesn't come out whole.", listing, listDrift},
	{"list_repeat", "A list in which a row comes again on the next page doesn't come out whole.", listing, listRepeat},
	{"list_circle", "A list whose pages have no end ends within two pages more than it has, and doesn't come out whole.", listing, listCircle},
	{"refused_connection", "Where nobody listens the outcome is not sent.", answering, connectionRefused},
	{"reset", "A connection that is reset leaves the outcome unknown, or not sent if nothing was written.", answering, connectionReset},
	{"lost_answer", "An answer that is lost after the effect leaves the outcome unknown, and a read then says yes.", answering, answerLost},
	{"throttled", "429 with Retry-After in seconds is throttled for that long, without effect.", answering, throttledSeconds},
	{"throttled_date", "429 with Retry-After as a date is throttled until then, without effect.", answering, throttledDate},
	{"error_500", "A 500 leaves a mutation unknown, whether it came before the effect or after.", answering, serverError},
	{"html", "A page of HTML where JSON should be leaves a mutation unknown.", answering, pageOfHTML},
	{"truncated", "An answer that breaks off leaves a mutation unknown.", answering, answerTruncated},
	{"deadline", "A call whose answer takes too long is unknown by its deadline.", answering, deadlineKept},
	{"permit", "A call whose moment to leave has passed is not sent, and nothing is on the wire.", answering, permitKept},
	{"cancelled", "When the stream of calls ends, its requests end.", answering, cancelEnds},
	{"terminated", "Told to end, a provider finishes what it began, and ends.", answering, terminatedGently},
	{"parent", "A provider ends when its parent is gone.", []string{"configure"}, parentGone},
	{"growth", "A thousand calls leave no goroutine and no descriptor behind.", answering, noGrowth},
	{"one_request", "No call makes more than one request.", answering, oneRequest},
	{"stdout", "Nothing is printed on standard output, which belongs to the handshake.", []string{"schema"}, quietOutput},
	{"stderr", "Standard error is not flooded.", []string{"schema"}, quietErrors},
	{"secrets", "No sensitive value is in any answer, error or stream.", []string{"configure"}, secretsKept},
}
