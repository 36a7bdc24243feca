package rows

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// The secrets of the servers that tests start. Nothing may ever show them.
const (
	serverUser     = "lector_9f31"
	serverPassword = "PLANTED-dsn-secret-77c2"
	serverDatabase = "tienda_4d20"
)

func sqliteFile(t testing.TB, script string) File {
	t.Helper()
	f := File{"orders.db", filepath.Join(t.TempDir(), "orders.db")}
	conn, err := sqlite.OpenConn(f.Path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
		t.Fatal(err)
	}
	return f
}

func openSQL(t testing.TB, l SQL) (Reader, error) {
	t.Helper()
	l.Source = "list.sql.orders"
	if l.Timeout == 0 {
		l.Timeout = 30 * time.Second
	}
	r, err := l.Open(t.Context())
	if err == nil {
		t.Cleanup(func() { r.Close() })
	}
	return r, err
}

// gives holds a query's columns and rows against these.
func gives(t *testing.T, l SQL, columns []Column, want []string, reading string) {
	t.Helper()
	r, err := openSQL(t, l)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(columns, r.Columns()); d != "" {
		t.Error(d)
	}
	if r.Digest() != "" {
		t.Error("a digest before the end")
	}
	got, bad, err := values(r)
	if err != nil || len(bad) > 0 {
		t.Fatalf("%v %v", bad, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r.Reading() != reading {
		t.Errorf("read as %q", r.Reading())
	}
	again, err := openSQL(t, l)
	if err != nil {
		t.Fatal(err)
	}
	values(again)
	if r.Digest() == "" || r.Digest() != again.Digest() {
		t.Errorf("digests %s and %s", r.Digest(), again.Digest())
	}
}

// refuses holds a query to end with one problem that has these words and no
// secret.
func refuses(t *testing.T, l SQL, want string) {
	t.Helper()
	r, err := openSQL(t, l)
	var bad []*Problem
	if err == nil {
		_, bad, err = values(r)
	}
	var p *Problem
	if errors.As(err, &p) {
		bad = append(bad, p)
	} else if err != nil {
		t.Fatalf("%v is no problem", err)
	}
	if len(bad) != 1 {
		t.Fatalf("got %v, want one problem", bad)
	}
	text := fmt.Sprintf("%+v", *bad[0])
	if !strings.Contains(text, want) || bad[0].Source != "list.sql.orders" {
		t.Errorf("got %s, want %q", text, want)
	}
	for _, secret := range []string{serverPassword, serverUser, serverDatabase, "127.0.0.1", "tcp(", "postgres://"} {
		if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(text, "postgres://USER", ""), "@tcp(HOST", ""), secret) {
			t.Errorf("%s holds %s", text, secret)
		}
	}
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	db := sqliteFile(t, `
		CREATE TABLE orders (id TEXT, n INTEGER, amount DECIMAL(12,2), note TEXT, open BOOLEAN);
		INSERT INTO orders VALUES ('007', 12345678901234567, 1250.10, 'Señor "x"', 1), ('8', 2, '0.30', NULL, 0), ('9', 3, 7, '', 1);`)
	list := SQL{Driver: "sqlite", Database: db}
	with := func(edit func(*SQL)) SQL {
		l := list
		edit(&l)
		return l
	}
	gives(t, with(func(l *SQL) { l.Query = "SELECT id, n, amount, note FROM orders ORDER BY id" }),
		[]Column{{"id", String}, {"n", Decimal}, {"amount", Decimal}, {"note", String}},
		[]string{`1: id="007" n="12345678901234567" amount="1250.1" note="Señor \"x\""`, `2: id="8" n="2" amount="0.3" note=null`, `3: id="9" n="3" amount="7" note=""`}, "")
	gives(t, with(func(l *SQL) {
		l.Query, l.Parameters = "SELECT id FROM orders WHERE n < ? AND note IS NOT ? AND open = ? AND id > ?", []any{int64(10), nil, true, "0"}
	}), []Column{{"id", String}}, []string{`1: id="9"`}, "no ORDER BY, so the database chooses the order of the rows")
	gives(t, with(func(l *SQL) { l.Query = "SELECT id, amount FROM orders WHERE 0 ORDER BY 1;" }), []Column{{"id", String}, {"amount", String}}, nil, "")
	gives(t, with(func(l *SQL) {
		l.Query, l.Columns = "SELECT n AS id, open = 1 AS o FROM orders WHERE n < 3 ORDER BY n", map[string]Type{"id": String, "o": Number}
	}), []Column{{"id", String}, {"o", Number}}, []string{`1: id="2" o=0`}, "")
	gives(t, with(func(l *SQL) {
		l.Query = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 20000) SELECT printf('A-%05d', x) AS id FROM c ORDER BY id LIMIT 1 OFFSET 19999"
	}),
		[]Column{{"id", String}}, []string{`1: id="A-20000"`}, "")

	for want, query := range map[string]string{
		"Query that writes":            "DELETE FROM orders",
		"or reach another one":         "ATTACH DATABASE 'x.db' AS x",
		"more than one statement":      "SELECT id FROM orders; DROP TABLE orders",
		"no such table":                "SELECT id FROM ordres",
		"or that of another one":       "SELECT id, id FROM orders",
		"is of type BLOB":              "SELECT x'00ff' AS id",
		"more than 15 digits":          "SELECT 1e300 AS id",
		"Row too long":                 "SELECT hex(zeroblob(1000000)) AS id",
		"not a decimal number":         "SELECT 1 AS a UNION ALL SELECT 'x' ORDER BY 1",
		"1 placeholder":                "SELECT id FROM orders WHERE id = ?",
		"Query takes too long":         "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT max(x) AS id FROM c",
		"or it is damaged":             "not a database",
		"Column 1 of the query has no": `SELECT id AS "" FROM orders`,
	} {
		l := with(func(l *SQL) { l.Query = query })
		if want == "Query takes too long" {
			l.Timeout = time.Second
		}
		if query == "not a database" {
			l.Database.Path = filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(l.Database.Path, []byte(strings.Repeat("id,amount\n", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
			l.Query = "SELECT 1"
		}
		refuses(t, l, want)
	}
	refuses(t, SQL{Driver: "sqlite", Query: "SELECT 1", Database: File{"x.db", filepath.Join(t.TempDir(), "x.db")}}, "There is no file x.db")
	if _, err := os.Stat(db.Path + "-wal"); err == nil {
		t.Error("reading left a file")
	}
}
