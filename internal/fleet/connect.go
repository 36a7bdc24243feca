package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
)

// A Connection is a namespace that is connected.
type Connection struct {
	Address   Address
	client    client.Client
	convert   converter.DataConverter
	Encrypted bool // what travels is, to the key of RUNNER_AGE_KEY_FILE
}

// Options say how to connect.
type Options struct {
	// Key encrypts all that travels; nil leaves it readable for whoever may
	// read the namespace.
	Key *age.X25519Identity

	Logger       log.Logger
	Interceptors []interceptor.ClientInterceptor
}

// Connect connects to a namespace, with the keys and certificates that the
// environment names as Temporal's own tools have it, and makes sure that it
// knows the runner's search attributes.
func Connect(ctx context.Context, at Address, o Options) (*Connection, error) {
	opts, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{})
	if err != nil {
		return nil, fmt.Errorf("read Temporal's environment variables: %w", err)
	}
	codecs := []converter.PayloadCodec{converter.NewZlibCodec(converter.ZlibCodecOptions{})}
	if o.Key != nil {
		codecs = append([]converter.PayloadCodec{sealing{o.Key}}, codecs...)
	}
	convert := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codecs...)
	opts.HostPort, opts.Namespace, opts.DataConverter, opts.Logger, opts.Interceptors = at.HostPort, at.Namespace, convert, o.Logger, o.Interceptors
	c, err := client.DialContext(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", at, err)
	}
	conn := &Connection{Address: at, client: c, convert: convert, Encrypted: o.Key != nil}
	if err := conn.prepare(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return conn, nil
}

// Close ends the connection.
func (c *Connection) Close() { c.client.Close() }

// prepare looks for the namespace and gives it the search attributes that it
// doesn't know.
func (c *Connection) prepare(ctx context.Context) error {
	if _, err := c.client.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: c.Address.Namespace}); err != nil {
		return fmt.Errorf("look for the namespace %s at %s: %w", c.Address.Namespace, c.Address.HostPort, err)
	}
	known, err := c.client.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: c.Address.Namespace})
	if err != nil {
		return nil // who may not ask is told by the first workflow that can't start
	}
	missing := make(map[string]enumspb.IndexedValueType)
	var commands []string
	for _, name := range []string{attributeRun.GetName(), attributeOperation.GetName(), attributeProvider.GetName(), attributeState.GetName()} {
		if _, ok := known.GetCustomAttributes()[name]; !ok {
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
			commands = append(commands, fmt.Sprintf("temporal operator search-attribute create --namespace %s --name %s --type Keyword", c.Address.Namespace, name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.client.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: c.Address.Namespace, SearchAttributes: missing})
	if err != nil {
		return fmt.Errorf("the namespace lacks the search attributes of the runner, and adding them failed: %w. Whoever may do so adds them with:\n\n%s", err, strings.Join(commands, "\n"))
	}
	for range 50 { // the server takes a moment to take note of them
		known, err = c.client.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: c.Address.Namespace})
		if _, ok := known.GetCustomAttributes()[attributeState.GetName()]; err == nil && ok {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

// sealing encrypts what travels to one key of age, which both who hands a run
// over and its workers have.
type sealing struct{ key *age.X25519Identity }

const sealed = "binary/age"

func (s sealing) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := p.Marshal()
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		w, err := age.Encrypt(&b, s.key.Recipient())
		if err == nil {
			_, err = w.Write(plain)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return nil, err
		}
		out[i] = &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(sealed)}, Data: b.Bytes()}
	}
	return out, nil
}

// ErrSealed says that what travels is encrypted to another key than ours, or
// not at all where it should be.
var ErrSealed = errors.New("what travels is encrypted to another key than that of RUNNER_AGE_KEY_FILE: everybody who hands runs over or carries them out in a namespace must have the same")

func (s sealing) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != sealed {
			return nil, ErrSealed
		}
		r, err := age.Decrypt(bytes.NewReader(p.GetData()), s.key)
		if err != nil {
			return nil, ErrSealed
		}
		plain, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		out[i] = &commonpb.Payload{}
		if err := out[i].Unmarshal(plain); err != nil {
			return nil, err
		}
	}
	return out, nil
}
