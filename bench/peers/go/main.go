// The aggregated endpoint in Go: net/http, a pgx pool per store, errgroup for the fan-out.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

const (
	deadline     = 2 * time.Second
	userSQL      = "SELECT data FROM users WHERE id=$1"
	analyticsSQL = "SELECT event_type, count FROM analytics WHERE user_id=$1"
	maxUpstream  = 1 << 20
)

var errNoSuchUser = errors.New("no such user")

type gateway struct {
	users     *pgxpool.Pool
	analytics *pgxpool.Pool
	client    *http.Client
	recsURL   string // everything before the user's id
}

type counter struct {
	event string
	count int32
}

func (g *gateway) userData(ctx context.Context, id int32) ([]byte, error) {
	var data []byte // not json.RawMessage, which pgx would validate again
	err := g.users.QueryRow(ctx, userSQL, id).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoSuchUser
	}
	return data, err
}

func (g *gateway) counters(ctx context.Context, id int32) ([]counter, error) {
	rows, err := g.analytics.Query(ctx, analyticsSQL, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := make([]counter, 0, 16)
	for rows.Next() {
		var c counter
		if err := rows.Scan(&c.event, &c.count); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func (g *gateway) recommendations(ctx context.Context, id int32) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.recsURL+strconv.Itoa(int(id)), nil)
	if err != nil {
		return nil, err
	}
	res, err := g.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxUpstream))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("recommendations answered %d", res.StatusCode)
	}
	var list []string
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	if list == nil {
		return nil, errors.New("recommendations answered null")
	}
	return list, nil
}

func parseID(s string) (int32, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int32(n), err == nil && n > 0
}

func (g *gateway) aggregated(w http.ResponseWriter, r *http.Request) {
	id, ok := parseID(r.URL.Query().Get("user_id"))
	if !ok {
		fail(w, http.StatusBadRequest, "user_id must be a positive integer")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()

	var (
		data []byte
		recs []string
		seen []counter
	)
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { data, err = g.userData(gctx, id); return })
	group.Go(func() (err error) { recs, err = g.recommendations(gctx, id); return })
	group.Go(func() (err error) { seen, err = g.counters(gctx, id); return })

	switch err := group.Wait(); {
	case err == nil:
		reply(w, http.StatusOK, render(data, recs, seen))
	case errors.Is(err, errNoSuchUser):
		fail(w, http.StatusNotFound, "user not found")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		fail(w, http.StatusRequestTimeout, "deadline exceeded")
	case r.Context().Err() != nil: // the client left; nobody is listening
	default:
		log.Printf("user %d: %v", id, err)
		fail(w, http.StatusInternalServerError, "internal error")
	}
}

// render builds the body by hand: the user's data is JSON already (Postgres vouches for
// it), so decoding or re-validating it would be work for nothing.
func render(data []byte, recs []string, seen []counter) []byte {
	b := make([]byte, 0, len(data)+1024)
	b = append(b, `{"user_data":`...)
	b = append(b, data...)
	b = append(b, `,"recommendations":[`...)
	for i, s := range recs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	b = append(b, `],"analytics":{`...)
	for i, c := range seen {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, c.event)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(c.count), 10)
	}
	return append(b, '}', '}')
}

// appendString quotes s; only strings that need escapes pay for encoding/json.
func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s)
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func reply(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

func fail(w http.ResponseWriter, status int, message string) {
	reply(w, status, fmt.Appendf(nil, `{"error":%q}`, message))
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

func openPool(ctx context.Context, dsn string, size int32) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = size
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = "2500"
	return pgxpool.NewWithConfig(ctx, cfg)
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	size, err := strconv.ParseInt(env("POOL_SIZE", "20"), 10, 32)
	if err != nil {
		return err
	}
	dsn := os.Getenv("DATABASE_URL")
	base := strings.TrimSuffix(os.Getenv("RECS_URL"), "/")
	if u, err := url.Parse(base); err != nil || u.Host == "" {
		return fmt.Errorf("RECS_URL is not a URL: %q", base)
	}
	users, err := openPool(ctx, dsn, int32(size))
	if err != nil {
		return err
	}
	defer users.Close()
	analytics, err := openPool(ctx, env("ANALYTICS_URL", dsn), int32(size))
	if err != nil {
		return err
	}
	defer analytics.Close()

	g := &gateway{
		users:     users,
		analytics: analytics,
		recsURL:   base + "/recommendations?user=",
		client: &http.Client{Transport: &http.Transport{
			MaxIdleConnsPerHost: 512, // the default of 2 would throw connections away
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/aggregated", g.aggregated)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, []byte(`{"status":"ok"}`))
	})
	server := &http.Server{
		Addr:              "127.0.0.1:" + env("PORT", "8080"),
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       120 * time.Second,
	}
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		server.Shutdown(grace)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
