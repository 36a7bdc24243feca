package rows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mysql reads MySQL and MariaDB, whose driver gives rows as they come over the
// wire.
func (l SQL) mysql(ctx context.Context, to *spool) error {
	config, err := mysql.ParseDSN(l.DSN)
	if err != nil {
		return l.refuse("Invalid DSN", "The DSN is none of MySQL's. It is such as USER:PASSWORD@tcp(HOST:3306)/DATABASE?tls=true.")
	}
	l.secrets = []string{config.Passwd, config.User, config.Addr, config.DBName}
	config.Logger = log.New(io.Discard, "", 0)
	config.Timeout = dial
	config.ParseTime, config.MultiStatements, config.InterpolateParams = false, false, false
	config.AllowAllFiles = false
	if config.Params == nil {
		config.Params = make(map[string]string)
	}
	config.Params["time_zone"] = "'+00:00'"
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return l.refuse("Invalid DSN", "The DSN is none of MySQL's. It is such as USER:PASSWORD@tcp(HOST:3306)/DATABASE?tls=true.")
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return l.myRefused(err)
	}
	defer tx.Rollback()
	query, err := tx.PrepareContext(ctx, l.Query)
	if err != nil {
		return l.myFailed(ctx, err)
	}
	defer query.Close()
	rows, err := query.QueryContext(ctx, l.Parameters...)
	if err != nil {
		if strings.HasPrefix(err.Error(), "sql: expected ") {
			return l.refuse("Parameters of the query", fmt.Sprintf("The query has another number of placeholders than the list gives parameters, which is %d.", len(l.Parameters)))
		}
		return l.myFailed(ctx, err)
	}
	defer rows.Close()
	zones, err := l.myColumns(rows, to)
	if err != nil {
		return err
	}
	cells := make([]sql.RawBytes, len(zones))
	into, out := make([]any, len(zones)), make([][]byte, len(zones))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return l.myFailed(ctx, err)
		}
		for i, cell := range cells {
			out[i] = cell
			if cell != nil && zones[i] != "" {
				out[i] = isoTime(cell, zones[i])
			}
		}
		if err := to.write(out); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return l.myFailed(ctx, err)
	}
	return nil
}

// myColumns tells which columns are moments, with what to put behind them.
func (l SQL) myColumns(rows *sql.Rows, to *spool) (zones []string, err error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	if len(types) == 0 {
		return nil, l.said("1064", "the query gives no rows")
	}
	columns := make([]spoolColumn, len(types))
	zones = make([]string, len(types))
	for i, t := range types {
		name, is := t.Name(), t.DatabaseTypeName()
		columns[i].name = name
		switch plain := strings.TrimPrefix(is, "UNSIGNED "); {
		case slices.Contains([]string{"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "DECIMAL", "YEAR"}, plain):
			columns[i].is = Decimal
		case plain == "TIMESTAMP":
			zones[i] = "Z"
		case plain == "DATETIME":
			zones[i] = " "
		case plain == "FLOAT", plain == "DOUBLE":
			return nil, l.inexact(name, is, "CAST("+name+" AS DECIMAL(20, 2))")
		case slices.Contains([]string{"TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB", "BINARY", "VARBINARY", "BIT", "GEOMETRY"}, plain):
			return nil, l.inexact(name, is, "HEX("+name+")")
		}
	}
	return zones, to.head(columns)
}

func (l SQL) myRefused(err error) error {
	var said *mysql.MySQLError
	if !errors.As(err, &said) {
		return l.unreachable(err)
	}
	why := map[uint16]string{1045: "the user or the password is refused", 1044: "this user may not use the database", 1049: "there is no database of that name", 1040: "it has too many connections"}[said.Number]
	if why == "" {
		why = fmt.Sprintf("it answers with error %d", said.Number)
	}
	return l.refuse("Database can't be reached", "The database of the DSN refuses the connection: "+why+". Check the DSN, which is not shown.")
}

func (l SQL) myFailed(ctx context.Context, err error) error {
	var said *mysql.MySQLError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &said):
		return l.unreachable(err)
	case said.Number == 1792:
		return l.refuse("Query that writes", "The query would change the database, and a list is only read. Write a SELECT.")
	}
	return l.said(fmt.Sprint(said.Number), said.Message)
}
