package runfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"zombiezen.com/go/sqlite"
)

// applicationID marks a SQLite file as a run file: "RUNR".
const applicationID = 0x52554e52

// schema is the format, version 1. docs/run-file.md says what each column is.
//
// An item is a row of plan, and one of progress from its first change on. What
// the plan wrote is never rewritten, so an apply can't change what was shown;
// and marking an item touches 80 bytes and not its arguments. In one table the
// same work cost 10.6 µs an item instead of 8.9, and more with each byte of
// arguments. The view puts the two together.
//
// A row of progress that were lost would make its item look as if nothing had
// been sent for it. So operations counts them and adds up their ids, and no
// apply begins before the table's tree was walked and holds just these.
//
// There are no further indexes. Items are fed in the order of id; those left
// started or in doubt are found by one scan, and the counts say when there are
// none to look for (a partial index on state cost 1.0 µs an item, one on
// changes.item 1.3). requests.id carries the item, so that its requests
// lie together and need no index.
//
// The view of transitions knows how each item began from plan, so no row says
// it a second time.
const schema = `
CREATE TABLE run (
  id TEXT NOT NULL,
  format INTEGER NOT NULL,
  state TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  runner_version TEXT NOT NULL,
  digest TEXT NOT NULL,
  digest_local INTEGER NOT NULL,
  rehearsal INTEGER NOT NULL,
  paths TEXT NOT NULL,
  variables TEXT NOT NULL,
  withheld TEXT NOT NULL,
  secrets TEXT NOT NULL,
  providers TEXT NOT NULL,
  lists TEXT NOT NULL,
  config TEXT NOT NULL,
  sum INTEGER NOT NULL
);
CREATE TABLE operations (
  id INTEGER PRIMARY KEY,
  address TEXT NOT NULL,
  provider TEXT NOT NULL,
  type TEXT NOT NULL,
  list TEXT NOT NULL,
  rows INTEGER NOT NULL,
  matching INTEGER NOT NULL,
  counts TEXT NOT NULL,
  settled INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  consecutive INTEGER NOT NULL,
  begun INTEGER NOT NULL,
  begun_ids INTEGER NOT NULL,
  ranges TEXT NOT NULL,
  settings TEXT NOT NULL,
  sum INTEGER NOT NULL
);
CREATE TABLE plan (
  id INTEGER PRIMARY KEY,
  operation INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  updated_at TEXT,
  key TEXT NOT NULL,
  source TEXT,
  row INTEGER,
  idempotency_key TEXT,
  amount TEXT,
  currency TEXT,
  arguments TEXT,
  fingerprint TEXT,
  sealed TEXT,
  context TEXT,
  live TEXT,
  sum INTEGER NOT NULL
);
CREATE TABLE progress (
  id INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  deadline TEXT,
  not_before TEXT,
  updated_at TEXT NOT NULL,
  reason TEXT,
  epoch INTEGER NOT NULL,
  live TEXT,
  result TEXT,
  live_sum INTEGER,
  result_sum INTEGER,
  sum INTEGER NOT NULL
);
CREATE TABLE known (
  id INTEGER PRIMARY KEY,
  amount TEXT,
  currency TEXT,
  arguments TEXT NOT NULL,
  context TEXT,
  sum INTEGER NOT NULL
);
CREATE VIEW items AS
  SELECT p.id, o.address AS operation, p.key, p.source, p.row, coalesce(g.state, p.state) AS state,
         iif(g.id IS NULL, p.reason, g.reason) AS reason, p.idempotency_key,
         coalesce(k.amount, p.amount) AS amount, coalesce(k.currency, p.currency) AS currency,
         coalesce(k.arguments, p.arguments) AS arguments, p.fingerprint, p.sealed, coalesce(k.context, p.context) AS context,
         coalesce(g.live, p.live) AS live, g.result, coalesce(g.attempts, 0) AS attempts, g.deadline, g.not_before,
         coalesce(g.updated_at, p.updated_at, (SELECT created_at FROM run)) AS updated_at
  FROM plan p JOIN operations o ON o.id = p.operation LEFT JOIN progress g ON g.id = p.id LEFT JOIN known k ON k.id = p.id;
CREATE TABLE changes (
  id INTEGER PRIMARY KEY,
  item INTEGER NOT NULL,
  at TEXT NOT NULL,
  "from" TEXT NOT NULL,
  "to" TEXT NOT NULL,
  reason TEXT,
  epoch INTEGER NOT NULL
);
CREATE VIEW transitions AS
  SELECT p.id, p.id AS item, r.created_at AS at, NULL AS "from", p.state AS "to", p.reason, 0 AS epoch FROM run r, plan p
  UNION ALL
  SELECT id, item, at, "from", "to", reason, epoch FROM changes;
CREATE TABLE requests (
  id INTEGER PRIMARY KEY,
  item INTEGER NOT NULL,
  n INTEGER NOT NULL,
  verb TEXT NOT NULL,
  sent_at TEXT,
  deadline TEXT,
  settled_at TEXT,
  outcome TEXT NOT NULL,
  code TEXT,
  message TEXT
);
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL,
  sum INTEGER NOT NULL
);
`

// perItem is how many requests an item can have: requests.id is
// item * perItem + n.
const perItem = 1_000_000

// schemaSum identifies the tables and views of the format as SQLite keeps
// their text.
var schemaSum = sync.OnceValue(func() [sha256.Size]byte {
	var b strings.Builder
	for _, s := range strings.SplitAfter(schema, ";\n") {
		if s = strings.TrimSuffix(strings.TrimSpace(s), ";"); s != "" {
			b.WriteString(s + "\n")
		}
	}
	return sha256.Sum256([]byte(b.String()))
})

// checkTriggers refuses a file that carries a trigger: it would write along with
// everything that we write.
func checkTriggers(c *conn) error {
	return c.query(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`, func(s *sqlite.Stmt) error {
		return damaged(c.path, "open", "it has a trigger, %s", s.ColumnText(0))
	})
}

// checkTables refuses a file whose tables are not those of the format. Indexes and
// views of the user's own do no harm.
func checkTables(c *conn) error {
	var b strings.Builder
	err := c.query(`SELECT type, name, sql FROM sqlite_schema ORDER BY rowid`, func(s *sqlite.Stmt) error {
		if ours(s.ColumnText(0), s.ColumnText(1)) {
			b.WriteString(s.ColumnText(2) + "\n")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if sha256.Sum256([]byte(b.String())) != schemaSum() {
		return damaged(c.path, "open", "its tables are not those of format %d", Format)
	}
	return nil
}

func ours(kind, name string) bool {
	return strings.Contains(schema, "\nCREATE "+strings.ToUpper(kind)+" "+name+" ")
}

// minSQLite is the first version without the WAL-reset bug, which can lose
// committed transactions.
const minSQLite = "3.51.3"

var checkVersion = sync.OnceValue(func() error { return newEnough(sqlite.Version) })

func newEnough(version string) error {
	var have, want [3]int
	for i, v := range []struct {
		text string
		to   *[3]int
	}{{version, &have}, {minSQLite, &want}} {
		if n, err := fmt.Sscanf(v.text, "%d.%d.%d", &v.to[0], &v.to[1], &v.to[2]); n != 3 || err != nil {
			return fmt.Errorf("%q is not a version of SQLite (%d)", v.text, i)
		}
	}
	for i := range have {
		if have[i] != want[i] {
			if have[i] < want[i] {
				return errors.New("this runner was built with SQLite " + version + ", which can lose committed data: build it with " + minSQLite + " or newer")
			}
			break
		}
	}
	return nil
}
