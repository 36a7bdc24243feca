package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The blocks by which an operation says its own rules.
var (
	guardShape    = shape{required: []string{"condition"}, attributes: []string{"otherwise"}}
	moneyShape    = shape{required: []string{"amount", "currency"}}
	limitsShape   = shape{attributes: []string{"max_items", "max_share", "max_total"}}
	canaryShape   = shape{required: []string{"stages"}}
	retryShape    = shape{attributes: []string{"max_attempts", "min_backoff", "max_backoff"}}
	abortShape    = shape{attributes: []string{"max_failures", "max_consecutive_failures", "max_failure_ratio", "min_items"}}
	rehearseShape = shape{required: []string{"state"}}
)

func (d *decoder) operationBlock(op *Operation, b *hclsyntax.Block, in string) {
	// take notes the references of an attribute and returns its expression.
	var c content
	take := func(name string, s sees) hcl.Expression {
		expr := c.expr(name)
		d.use(expr, s, in)
		return expr
	}
	switch b.Type {
	case "guard":
		c = d.content(b.Body, in, guardShape)
		g := Guard{Condition: take("condition", seesAll), Otherwise: "skip", Range: b.DefRange()}
		if a := c.known["otherwise"]; a != nil {
			g.Otherwise, _ = d.word(a, []string{"skip", "fail", "stop"}, in)
		}
		op.Guards = append(op.Guards, g)
	case "money":
		c = d.content(b.Body, in, moneyShape)
		op.Money = &Money{Amount: take("amount", seesItem), Currency: take("currency", seesItem), Range: b.DefRange()}
	case "limits":
		c = d.content(b.Body, in, limitsShape)
		op.Limits = &Limits{
			MaxItems: take("max_items", seesValues),
			MaxShare: take("max_share", seesValues),
			MaxTotal: take("max_total", seesValues),
			Range:    b.DefRange(),
		}
	case "canary":
		c = d.content(b.Body, in, canaryShape)
		op.Canary = &Canary{Stages: take("stages", seesValues), Range: b.DefRange()}
	case "retry":
		c = d.content(b.Body, in, retryShape)
		op.Retry = &Retry{
			MaxAttempts: take("max_attempts", seesValues),
			MinBackoff:  take("min_backoff", seesValues),
			MaxBackoff:  take("max_backoff", seesValues),
			Range:       b.DefRange(),
		}
	case "abort":
		c = d.content(b.Body, in, abortShape)
		op.Abort = &Abort{
			MaxFailures:            take("max_failures", seesValues),
			MaxConsecutiveFailures: take("max_consecutive_failures", seesValues),
			MaxFailureRatio:        take("max_failure_ratio", seesValues),
			MinItems:               take("min_items", seesValues),
			Range:                  b.DefRange(),
		}
	case "rate_limit":
		op.RateLimit = d.rateLimit(b, in)
	case "rehearse":
		c = d.content(b.Body, in, rehearseShape)
		op.RehearseState = take("state", seesItem)
	}
}
