package rows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// dial bounds how long a connection may take.
const dial = 15 * time.Second

// What PostgreSQL calls the types that we look at.
const (
	pgBool, pgBytea, pgInt8, pgInt2, pgInt4, pgFloat4, pgFloat8 = 16, 17, 20, 21, 23, 700, 701
	pgMoney, pgTimestamp, pgTimestamptz, pgNumeric              = 790, 1114, 1184, 1700
)

// postgres reads through pgx's lower half, where values come as PostgreSQL
// writes them: a numeric with all its digits, and no float on the way.
func (l SQL) postgres(ctx context.Context, to *spool) error {
	config, err := pgconn.ParseConfig(l.DSN)
	if err != nil {
		return l.refuse("Invalid DSN", "The DSN is none of PostgreSQL's. It is such as postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full.")
	}
	l.secrets = []string{config.Password, config.User, config.Host, config.Database}
	config.ConnectTimeout = dial
	config.MaxProtocolMessageBodyLen = 2 * maxRecord
	config.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return l.pgRefused(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	begin := fmt.Sprintf("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL client_encoding = 'UTF8'; SET LOCAL DateStyle = 'ISO'; SET LOCAL TimeZone = 'UTC'; SET LOCAL statement_timeout = %d", l.Timeout.Milliseconds())
	if _, err := conn.Exec(ctx, begin).ReadAll(); err != nil {
		return l.pgFailed(err)
	}
	query, err := conn.Prepare(ctx, "", l.Query, nil)
	if err != nil {
		return l.pgFailed(err)
	}
	times, truths, err := l.pgColumns(query.Fields, to)
	if err != nil {
		return err
	}
	if len(l.Parameters) != len(query.ParamOIDs) {
		return l.miscounted(len(query.ParamOIDs))
	}
	parameters := make([][]byte, len(l.Parameters))
	for i, p := range l.Parameters {
		if p != nil {
			parameters[i] = fmt.Append([]byte{}, p)
		}
	}
	rows := conn.ExecPrepared(ctx, "", parameters, nil, nil)
	for rows.NextRow() {
		cells := rows.Values()
		for i, cell := range cells {
			switch {
			case cell == nil:
			case times[i] != "":
				cells[i] = isoTime(cell, times[i])
			case truths[i]:
				cells[i] = []byte(map[string]string{"t": "true", "f": "false"}[string(cell)])
			case len(cell) == 0:
				cells[i] = []byte{}
			}
		}
		if err := to.write(cells); err != nil {
			return err
		}
	}
	if _, err := rows.Close(); err != nil {
		return l.pgFailed(err)
	}
	return nil
}

// pgColumns tells which columns are moments, with what to put behind them, and
// which are true or false.
func (l SQL) pgColumns(fields []pgconn.FieldDescription, to *spool) (times []string, truths []bool, err error) {
	if len(fields) == 0 {
		return nil, nil, l.said("0A000", "the query gives no rows")
	}
	times, truths = make([]string, len(fields)), make([]bool, len(fields))
	columns := make([]spoolColumn, len(fields))
	for i, f := range fields {
		columns[i].name = f.Name
		switch f.DataTypeOID {
		case pgInt2, pgInt4, pgInt8, pgNumeric:
			columns[i].is = Decimal
		case pgBool:
			columns[i].is, truths[i] = Bool, true
		case pgTimestamp:
			times[i] = " "
		case pgTimestamptz:
			times[i] = "Z"
		case pgFloat4, pgFloat8:
			return nil, nil, l.inexact(f.Name, "real or double precision", f.Name+"::numeric(20, 2)")
		case pgMoney:
			return nil, nil, l.inexact(f.Name, "money, whose text depends on the server's country", f.Name+"::numeric(20, 2)")
		case pgBytea:
			return nil, nil, l.inexact(f.Name, "bytea", "encode("+f.Name+", 'hex')")
		}
	}
	return times, truths, to.head(columns)
}

// isoTime turns 2026-10-01 00:00:00+00 into 2026-10-01T00:00:00Z. A moment
// without a zone gets none, and one that has no such form stays as it is.
func isoTime(cell []byte, zone string) []byte {
	s := string(cell)
	for _, layout := range []string{"2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999"} {
		t, err := time.Parse(layout, s)
		switch {
		case err != nil:
		case zone == "Z":
			return t.UTC().AppendFormat(nil, time.RFC3339Nano)
		default:
			return t.AppendFormat(nil, "2006-01-02T15:04:05.999999")
		}
	}
	return cell
}

func (l SQL) pgRefused(err error) error {
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return l.unreachable(err)
	}
	why := map[string]string{
		"28P01": "the user or the password is refused", "28000": "this user may not connect from here, or not in this way",
		"3D000": "there is no database of that name", "53300": "it has too many connections", "57P03": "it is starting or stopping",
	}[said.Code]
	if why == "" {
		why = "it answers with error " + said.Code
	}
	return l.refuse("Database can't be reached", "The database of the DSN refuses the connection: "+why+". Check the DSN, which is not shown.")
}

func (l SQL) pgFailed(err error) error {
	var said *pgconn.PgError
	switch {
	case !errors.As(err, &said):
		return l.unreachable(err)
	case said.Code == "57014": // cancelled, by statement_timeout
		return context.DeadlineExceeded
	case said.Code == "25006":
		return l.refuse("Query that writes", "The query would change the database, and a list is only read. Write a SELECT.")
	}
	return l.said(said.Code, said.Message)
}

func (l SQL) miscounted(want int) *Problem {
	return l.refuse("Parameters of the query", fmt.Sprintf("The query has %s, and the list gives %d in parameters.", count(want, "placeholder"), len(l.Parameters)))
}
