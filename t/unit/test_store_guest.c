
/* Who comes to a store from outside nginx: changes nothing on the way in. */

#include "store.h"


static ngx_http_jamhook_op_names_t  names;
static session_t                   *reader;


static session_t *
guest_open(ngx_http_jamhook_session_e kind)
{
    session_t  *s;

    store_conf.guest = 1;
    s = store_open(kind);
    store_conf.guest = 0;

    return s;
}


static ngx_int_t
run_names(ngx_pool_t *pool)
{
    ngx_memzero(&names, sizeof(ngx_http_jamhook_op_names_t));

    names.op.type = NGX_HTTP_JAMHOOK_OP_NAMES;
    names.pool = pool;

    return store_read(reader, &names);
}


static void
test_guest(void)
{
    int64_t                        seen;
    session_t                     *s, *guest;
    ngx_str_t                     *name, other;
    ngx_pool_t                    *pool;
    replay_t                       replay;
    ngx_http_jamhook_op_forget_t   op;

    s = store_fresh();
    (void) event_put(s, "m1", 1, 0);
    seen = sql("SELECT max(seen_at) FROM endpoints");

    /* of other names than nginx's, later */

    other = str("other");
    store_conf.endpoints = &other;
    store_conf.nendpoints = 1;
    now.now += HOUR;

    guest = guest_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    reader = guest_open(NGX_HTTP_JAMHOOK_SESSION_READ);

    ok(guest != NULL && reader != NULL, "a guest comes in");
    ok(sql("SELECT max(seen_at) FROM endpoints") == seen
       && sql("SELECT count(*) FROM endpoints") == 2,
       "its endpoints are not taken for configured ones");
    ok(shim_exhaust(run_names) > 1, "names, whatever memory there is");

    pool = ngx_create_pool(1, NULL);
    ok(run_names(pool) == NGX_OK && names.names.nelts == 2, "two names");
    name = names.names.elts;
    is(name[0], "audit", "in their order");
    is(name[1], "fin", "both of them");

    ngx_memzero(&replay, sizeof(replay_t));
    replay.op.type = NGX_HTTP_JAMHOOK_OP_REPLAY;
    replay.id = str("m1");
    replay.endpoint = NGX_HTTP_JAMHOOK_NO_ENDPOINT;
    ok(store_write(guest, &replay) == NGX_OK && replay.replayed == 1,
       "it replays");

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_forget_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_FORGET;
    op.id = str("m1");
    ok(store_write(guest, &op) == NGX_OK && op.wiped,
       "it forgets, and nothing is left in the journal");

    ngx_destroy_pool(pool);
    store_close(guest);
    store_close(reader);
    store_close(s);
}


int
main(void)
{
    test_guest();

    return done();
}
