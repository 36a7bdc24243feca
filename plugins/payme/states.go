package main

import "slices"

// The states of an operation and of its transactions, as the API names them.
//
// REGISTRADO becomes PENDIENTE, and that AUTORIZADO when the payer has paid. A
// deletion makes CANCELADO of the first two and EXTORNADO of the third, which
// gives the money back. LIQUIDADO and DEPOSITADO come after AUTORIZADO, EXPIRADO
// and DENEGADO instead of it, as far as their names tell; INVALIDO is seen in
// Alignet's own plugin alone.
const (
	registrado = "REGISTRADO"
	pendiente  = "PENDIENTE"
	autorizado = "AUTORIZADO"
	cancelado  = "CANCELADO"
	extornado  = "EXTORNADO"
	denegado   = "DENEGADO"
	expirado   = "EXPIRADO"
	liquidado  = "LIQUIDADO"
	depositado = "DEPOSITADO"
	invalido   = "INVALIDO"
)

// unpaid and paid are what a deletion is documented for: it cancels a charge
// in the former and reverses one in the latter. It names an operation and no
// transaction, and nobody documents which of several it is about, so all of
// them must be in such a state.
var (
	unpaid = []string{registrado, pendiente}
	paid   = []string{autorizado}
)

// lapsed are states in which no money was taken and none will be.
var lapsed = []string{denegado, expirado, invalido}

// over are states that no documented request leads out of.
var over = []string{liquidado, depositado, denegado, expirado, invalido}

// all tells whether there are states and each is among those.
func all(states []string, among ...string) bool {
	return len(states) > 0 && !slices.ContainsFunc(states, func(s string) bool { return !slices.Contains(among, s) })
}

func some(states []string, among ...string) bool {
	return slices.ContainsFunc(states, func(s string) bool { return slices.Contains(among, s) })
}
