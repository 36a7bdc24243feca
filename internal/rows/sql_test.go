package rows

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
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
		l := with(func(l *SQL) { l.Query, l.Timeout = query, time.Second })
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

func TestPostgres(t *testing.T) { // alone, since it watches memory
	dsn := postgresServer(t,
		`CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(20), amount numeric(30,10), paid boolean, at timestamptz, day date, local timestamp, u uuid, f float8, b bytea, j jsonb, m money)`,
		`INSERT INTO orders VALUES
			(9007199254740993, '007', 12345678901234567890.10, true, '2026-10-01 02:00:00.5+02', '2026-10-01', '2026-10-01 10:00', '0e37df36-f698-11e6-8dd4-cb9ced3df976', 0.1, '\x00', '{"a": 1}', 1),
			(2, '', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`)
	list := SQL{Driver: "postgres", DSN: dsn}
	with := func(query string, parameters ...any) SQL {
		l := list
		l.Query, l.Parameters = query, parameters
		return l
	}
	gives(t, with("SELECT id, code, amount, paid, at, day, local, u, j FROM orders ORDER BY id DESC"),
		[]Column{{"id", Decimal}, {"code", String}, {"amount", Decimal}, {"paid", Bool}, {"at", String}, {"day", String}, {"local", String}, {"u", String}, {"j", String}},
		[]string{
			`1: id="9007199254740993" code="007" amount="12345678901234567890.1000000000" paid=true at="2026-10-01T00:00:00.5Z" day="2026-10-01" local="2026-10-01T10:00:00" u="0e37df36-f698-11e6-8dd4-cb9ced3df976" j="{\"a\": 1}"`,
			`2: id="2" code="" amount=null paid=false at=null day=null local=null u=null j=null`,
		}, "")
	gives(t, with("SELECT code FROM orders WHERE id = $1 AND paid = $2 AND code = $3", int64(2), false, ""), []Column{{"code", String}}, []string{`1: code=""`}, "no ORDER BY, so the database chooses the order of the rows")
	gives(t, with("SELECT code FROM orders WHERE false ORDER BY 1"), []Column{{"code", String}}, nil, "")

	for want, l := range map[string]SQL{
		"Query that writes":            with("DELETE FROM orders RETURNING id"),
		"error 42601":                  with("SELECT 1; DELETE FROM orders"),
		"error 42P01":                  with("SELECT id FROM ordres"),
		"real or double precision":     with("SELECT f FROM orders"),
		"bytea":                        with("SELECT b FROM orders"),
		"money":                        with("SELECT m FROM orders"),
		"gives no rows":                with("SET TimeZone = 'UTC'"),
		"not a decimal number":         with("SELECT 'NaN'::numeric AS amount"),
		"Columns 1 and 2":              with("SELECT id, code AS id FROM orders"),
		"1 placeholder":                with("SELECT id FROM orders WHERE id = $1"),
		"invalid input syntax":         with("SELECT id FROM orders WHERE id = $1", "x"),
		"Row too long":                 with("SELECT repeat('x', 1100000) AS id"),
		"Invalid DSN":                  {Driver: "postgres", DSN: "postgres://" + serverUser + ":" + serverPassword + "@127.0.0.1:x/", Query: "SELECT 1"},
		"user or the password":         {Driver: "postgres", DSN: strings.Replace(dsn, serverPassword, "wrong", 1), Query: "SELECT 1"},
		"no database of that name":     {Driver: "postgres", DSN: strings.Replace(dsn, serverDatabase, "other", 1), Query: "SELECT 1"},
		"Database can't be reached":    {Driver: "postgres", DSN: strings.Replace(dsn, "disable", "require", 1), Query: "SELECT 1"},
		"no such host is known":        {Driver: "postgres", DSN: strings.Replace(dsn, "127.0.0.1", "nowhere.invalid", 1), Query: "SELECT 1"},
		"connection refused":           {Driver: "postgres", DSN: closedPort(t, dsn), Query: "SELECT 1"},
		"Query takes too long":         {Driver: "postgres", DSN: dsn, Query: "SELECT pg_sleep(30)", Timeout: time.Second},
		`relation "….orders" does not`: with("SELECT * FROM " + serverUser + ".orders"),
	} {
		refuses(t, l, want)
	}
	streams(t, with("SELECT 'A-' || n AS id, repeat('x', 900) AS note FROM generate_series(1, 200000) n ORDER BY n"), 200_000)
}

func TestMariaDB(t *testing.T) { // alone, since it watches memory
	dsn := mariadbServer(t,
		"CREATE TABLE orders (id BIGINT UNSIGNED PRIMARY KEY, code VARCHAR(20), amount DECIMAL(30,10), paid BOOLEAN, at TIMESTAMP NULL, day DATE, local DATETIME, e ENUM('a','b'), f DOUBLE, b BLOB, note TEXT)",
		"INSERT INTO orders VALUES (18446744073709551615, '007', 12345678901234567890.10, true, FROM_UNIXTIME(1790812800), '2026-10-01', '2026-10-01 10:00', 'a', 0.1, 'x', 'Señor'), (2, '', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
	list := SQL{Driver: "mysql", DSN: dsn}
	with := func(query string, parameters ...any) SQL {
		l := list
		l.Query, l.Parameters = query, parameters
		return l
	}
	gives(t, with("SELECT id, code, amount, paid, at, day, local, e, note FROM orders ORDER BY id DESC"),
		[]Column{{"id", Decimal}, {"code", String}, {"amount", Decimal}, {"paid", Decimal}, {"at", String}, {"day", String}, {"local", String}, {"e", String}, {"note", String}},
		[]string{
			`1: id="18446744073709551615" code="007" amount="12345678901234567890.1000000000" paid="1" at="2026-10-01T00:00:00Z" day="2026-10-01" local="2026-10-01T10:00:00" e="a" note="Señor"`,
			`2: id="2" code="" amount=null paid="0" at=null day=null local=null e=null note=null`,
		}, "")
	gives(t, with("SELECT code FROM orders WHERE id = ? AND paid = ? AND code = ?", int64(2), false, ""), []Column{{"code", String}}, []string{`1: code=""`}, "no ORDER BY, so the database chooses the order of the rows")
	gives(t, with("SELECT code FROM orders WHERE false ORDER BY 1"), []Column{{"code", String}}, nil, "")

	for want, l := range map[string]SQL{
		"Query that writes":         with("DELETE FROM orders"),
		"error 1064":                with("SELECT 1; DELETE FROM orders"),
		"error 1146":                with("SELECT id FROM ordres"),
		"is of type DOUBLE":         with("SELECT f FROM orders"),
		"is of type BLOB":           with("SELECT b FROM orders"),
		"Columns 1 and 2":           with("SELECT id, code AS id FROM orders"),
		"another number of":         with("SELECT id FROM orders WHERE id = ?"),
		"Row too long":              with("SELECT repeat('x', 1100000) AS id"),
		"Invalid DSN":               {Driver: "mysql", DSN: serverUser + ":" + serverPassword + "@tcp(127.0.0.1", Query: "SELECT 1"},
		"user or the password":      {Driver: "mysql", DSN: strings.Replace(dsn, serverPassword, "wrong", 1), Query: "SELECT 1"},
		"may not use the database":  {Driver: "mysql", DSN: strings.Replace(dsn, serverDatabase, "other", 1), Query: "SELECT 1"},
		"Database can't be reached": {Driver: "mysql", DSN: dsn + "?tls=true", Query: "SELECT 1"},
		"no such host is known":     {Driver: "mysql", DSN: strings.Replace(dsn, "127.0.0.1", "nowhere.invalid", 1), Query: "SELECT 1"},
		"connection refused":        {Driver: "mysql", DSN: closedPort(t, dsn), Query: "SELECT 1"},
		"Query takes too long":      {Driver: "mysql", DSN: dsn, Query: "SELECT SLEEP(30) AS id", Timeout: time.Second},
	} {
		refuses(t, l, want)
	}
	streams(t, with("SELECT CONCAT('A-', seq) AS id, REPEAT('x', 900) AS note FROM seq_1_to_200000 ORDER BY seq"), 200_000)
}

// closedPort is the DSN with a port that nobody listens on.
func closedPort(t *testing.T, dsn string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := strings.Index(dsn, "127.0.0.1:") + len("127.0.0.1:")
	end := at + strings.IndexFunc(dsn[at:], func(r rune) bool { return r < '0' || r > '9' })
	return fmt.Sprintf("%s%d%s", dsn[:at], l.Addr().(*net.TCPAddr).Port, dsn[end:])
}

// streams holds a result of 180 MB to take little memory.
func streams(t *testing.T, l SQL, rows int) {
	t.Helper()
	peak := watchMemory(t, func() {
		r, err := openSQL(t, l)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for {
			if _, err := r.Next(); err != nil {
				break
			}
			n++
		}
		if n != rows {
			t.Errorf("%d rows", n)
		}
	})
	if peak > 64<<20 {
		t.Errorf("%d MiB of memory", peak>>20)
	}
}
