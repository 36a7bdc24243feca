//go:build unix

package rows

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

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
