
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_clock.h"
#include "ngx_http_jamhook_query.h"
#include "ngx_http_jamhook_text.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>


#define NGX_HTTP_JAMHOOK_TOOL_LIMIT_MAX  10000       /* rows */

#define NGX_HTTP_JAMHOOK_TOOL_LONG       256         /* beyond all letters */

#define NGX_HTTP_JAMHOOK_TOOL_BIT(option)                                     \
    (1u << NGX_HTTP_JAMHOOK_TOOL_ ## option)


typedef struct {
    const char   *name;
    char          letter;                /* 0: none */
    int           argument;
} ngx_http_jamhook_tool_option_t;

typedef struct {
    const char   *name;
    int         (*run)(ngx_http_jamhook_tool_t *tool);
    unsigned      options;               /* bits */
    ngx_uint_t    least;                 /* arguments */
    ngx_uint_t    most;
} ngx_http_jamhook_tool_command_t;


static ngx_int_t ngx_http_jamhook_tool_options_read(
    ngx_http_jamhook_tool_t *tool, int argc, char **argv);
static ngx_int_t ngx_http_jamhook_tool_option_set(
    ngx_http_jamhook_tool_t *tool, int c);
static int ngx_http_jamhook_tool_run(ngx_http_jamhook_tool_t *tool);
static ngx_http_jamhook_tool_command_t *ngx_http_jamhook_tool_find(
    const char *name);
static int ngx_http_jamhook_tool_flush(int rc);
static ngx_int_t ngx_http_jamhook_tool_date(char *text, int64_t *ms);


/* by ngx_http_jamhook_tool_option_e */

static ngx_http_jamhook_tool_option_t  ngx_http_jamhook_tool_options[] = {
    { "store", 's', required_argument },
    { "json", 0, no_argument },
    { "limit", 'n', required_argument },
    { "state", 0, required_argument },
    { "endpoint", 0, required_argument },
    { "type", 0, required_argument },
    { "conversation", 0, required_argument },
    { "jam", 0, required_argument },
    { "since", 0, required_argument },
    { "until", 0, required_argument },
    { "result", 0, required_argument },
    { "body", 0, no_argument },
    { "raw", 0, no_argument },
    { "yes", 'y', no_argument },
    { "follow", 'f', no_argument },
    { "key", 'k', required_argument },
    { "tolerance", 0, required_argument },
    { "id", 0, required_argument },
    { "timestamp", 0, required_argument },
    { "signature", 0, required_argument },
    { "header", 'H', required_argument },
    { "headers", 0, required_argument },
    { "prefix", 0, required_argument },
    { "ed25519", 0, no_argument },
    { "from", 0, required_argument },
    { "to", 0, required_argument },
    { "wait", 0, required_argument },
    { "keep", 0, no_argument },
    { "user", 0, required_argument },
    { "help", 'h', no_argument },
    { "version", 'V', no_argument }
};


#define NGX_HTTP_JAMHOOK_TOOL_BOTH                                            \
    (NGX_HTTP_JAMHOOK_TOOL_BIT(STORE) | NGX_HTTP_JAMHOOK_TOOL_BIT(JSON))

/* of a list of events */

#define NGX_HTTP_JAMHOOK_TOOL_FILTERS                                         \
    (NGX_HTTP_JAMHOOK_TOOL_BOTH | NGX_HTTP_JAMHOOK_TOOL_BIT(LIMIT)            \
     | NGX_HTTP_JAMHOOK_TOOL_BIT(ENDPOINT) | NGX_HTTP_JAMHOOK_TOOL_BIT(TYPE)  \
     | NGX_HTTP_JAMHOOK_TOOL_BIT(CONVERSATION)                                \
     | NGX_HTTP_JAMHOOK_TOOL_BIT(JAM) | NGX_HTTP_JAMHOOK_TOOL_BIT(SINCE)      \
     | NGX_HTTP_JAMHOOK_TOOL_BIT(UNTIL))

static ngx_http_jamhook_tool_command_t  ngx_http_jamhook_tool_commands[] = {

    { "status", ngx_http_jamhook_tool_status, NGX_HTTP_JAMHOOK_TOOL_BOTH,
      0, 0 },

    { "events", ngx_http_jamhook_tool_list,
      NGX_HTTP_JAMHOOK_TOOL_FILTERS | NGX_HTTP_JAMHOOK_TOOL_BIT(STATE), 0, 0 },

    { "pending", ngx_http_jamhook_tool_list, NGX_HTTP_JAMHOOK_TOOL_FILTERS,
      0, 0 },

    { "failed", ngx_http_jamhook_tool_list, NGX_HTTP_JAMHOOK_TOOL_FILTERS,
      0, 0 },

    { "show", ngx_http_jamhook_tool_show,
      NGX_HTTP_JAMHOOK_TOOL_BOTH | NGX_HTTP_JAMHOOK_TOOL_BIT(BODY)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(RAW), 1, 1 },

    { "log", ngx_http_jamhook_tool_log,
      NGX_HTTP_JAMHOOK_TOOL_BOTH | NGX_HTTP_JAMHOOK_TOOL_BIT(LIMIT)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(ENDPOINT) | NGX_HTTP_JAMHOOK_TOOL_BIT(RESULT)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(SINCE) | NGX_HTTP_JAMHOOK_TOOL_BIT(UNTIL)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(FOLLOW), 0, 0 },

    { "replay", ngx_http_jamhook_tool_replay, NGX_HTTP_JAMHOOK_TOOL_BOTH,
      1, 2 },

    { "forget", ngx_http_jamhook_tool_forget,
      NGX_HTTP_JAMHOOK_TOOL_BOTH | NGX_HTTP_JAMHOOK_TOOL_BIT(CONVERSATION)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(YES), 0, 1 },

    { "verify", ngx_http_jamhook_tool_verify,
      NGX_HTTP_JAMHOOK_TOOL_BIT(KEY) | NGX_HTTP_JAMHOOK_TOOL_BIT(JSON)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(TOLERANCE) | NGX_HTTP_JAMHOOK_TOOL_BIT(ID)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(TIMESTAMP)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(SIGNATURE)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(HEADER)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(HEADERS), 0, 0 },

    { "sign", ngx_http_jamhook_tool_sign,
      NGX_HTTP_JAMHOOK_TOOL_BIT(KEY) | NGX_HTTP_JAMHOOK_TOOL_BIT(JSON)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(ID) | NGX_HTTP_JAMHOOK_TOOL_BIT(TIMESTAMP)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(PREFIX), 0, 0 },

    { "keygen", ngx_http_jamhook_tool_keygen,
      NGX_HTTP_JAMHOOK_TOOL_BIT(ED25519), 0, 0 },

    { "schema", ngx_http_jamhook_tool_schema, NGX_HTTP_JAMHOOK_TOOL_BIT(USER),
      0, 0 },

    { "move", ngx_http_jamhook_tool_move,
      NGX_HTTP_JAMHOOK_TOOL_BIT(JSON) | NGX_HTTP_JAMHOOK_TOOL_BIT(FROM)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(TO) | NGX_HTTP_JAMHOOK_TOOL_BIT(WAIT)
      | NGX_HTTP_JAMHOOK_TOOL_BIT(KEEP), 0, 0 },

    { NULL, NULL, 0, 0, 0 }
};


static const char  ngx_http_jamhook_tool_help[] =
"Usage: jamhook [-s STORE] COMMAND [OPTION]...\n"
"\n"
"Looks into the store of nginx's jamhook module and changes what is in it,\n"
"while nginx runs or not.\n"
"\n"
"  status                   each endpoint: its state and its deliveries\n"
"  events                   events, newest first\n"
"  pending                  those with a delivery that waits (or is paused)\n"
"  failed                   those with a delivery that was given up\n"
"  show ID                  all of one event, with its attempts\n"
"  log                      attempts, the last ones last\n"
"  replay ID [ENDPOINT]     sends an event again, at once\n"
"  forget ID                takes what tells of a customer out of an event\n"
"  forget --conversation=ID the same for all events of a conversation\n"
"  verify -k FILE           is the payload on standard input signed?\n"
"  sign -k FILE             the headers for the payload on standard input\n"
"  keygen                   a new key\n"
"  schema                   the tables of a PostgreSQL store, as SQL\n"
"  move                     takes an SQLite store over to PostgreSQL\n"
"\n"
"  -s, --store=STORE        what is behind jamhook_store: a directory (or\n"
"                           sqlite:DIR), or postgresql://USER@HOST/DB; else\n"
"                           $JAMHOOK_STORE, else /var/lib/nginx/jamhook\n"
"      --json               JSON with the names of the portal's API\n"
"  -h, --help               this text\n"
"  -V, --version            the version\n"
"\n"
"events, pending, failed:\n"
"      --state=STATE        pending, sending, succeeded, failed or paused\n"
"                           (events alone)\n"
"      --endpoint=NAME, --type=TYPE, --conversation=ID, --jam=ID\n"
"      --since=TIME         received then or later: 2h, 30d, 2026-11-23 or\n"
"                           2026-11-23T15:04:05Z\n"
"      --until=TIME         received before\n"
"  -n, --limit=N            at most so many (50)\n"
"\n"
"show:\n"
"      --body               with the bodies and headers of its attempts\n"
"      --raw                nothing but its body, byte for byte\n"
"\n"
"log:\n"
"  -f, --follow             goes on with what comes, till it is interrupted\n"
"      --endpoint=NAME, --result=succeeded|failed|interrupted\n"
"      --since=TIME, --until=TIME, -n N\n"
"\n"
"forget:\n"
"  -y, --yes                does not ask; needed where there is no terminal\n"
"\n"
"verify:\n"
"  -k, --key=FILE           keys as in jamhook_verify: whsec_, whsk_, whpk_\n"
"      --id=ID, --timestamp=SECONDS, --signature=LIST\n"
"  -H, --header='NAME: VALUE'   instead of these, for each header\n"
"      --headers=FILE       or a file with such lines\n"
"      --tolerance=5m|off   of the timestamp (5m)\n"
"\n"
"sign:\n"
"  -k, --key=FILE           keys as in jamhook_sign: whsec_, whsk_\n"
"      --id=ID, --timestamp=SECONDS (a new one, now)\n"
"      --prefix=webhook|svix    of the headers' names (webhook)\n"
"\n"
"keygen:\n"
"      --ed25519            a pair of keys instead of a shared secret\n"
"\n"
"schema:\n"
"      --user=NAME          with the rights that nginx' user needs\n"
"\n"
"move:\n"
"      --from=DIR, --to=postgresql://USER@HOST/DB\n"
"      --wait=TIME          for workers that still use the old store (1m)\n"
"      --keep               the old store can still be used: for a trial\n"
"\n"
"root takes the rights of the user who owns a directory before it opens it,\n"
"so that all files in it stay nginx's.  A password for PostgreSQL is best in\n"
"a file: passfile= in the URI, PGPASSFILE, ~/.pgpass or a service.\n"
"\n"
"Exit status: 0 done; 1 nothing was found, or the payload does not verify;\n"
"2 wrong usage; 3 trouble, mostly with the store.\n";


int
main(int argc, char **argv)
{
    int                      rc;
    ngx_http_jamhook_tool_t  tool;

    ngx_memzero(&tool, sizeof(ngx_http_jamhook_tool_t));

    tool.pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    if (tool.pool == NULL) {
        ngx_http_jamhook_tool_no_memory();
    }

    ngx_http_jamhook_tool_array(&tool.headers, tool.pool, sizeof(char *));

    if (ngx_http_jamhook_tool_options_read(&tool, argc, argv) == NGX_OK) {
        rc = ngx_http_jamhook_tool_flush(ngx_http_jamhook_tool_run(&tool));

    } else {
        rc = NGX_HTTP_JAMHOOK_TOOL_USAGE;
    }

    ngx_http_jamhook_tool_close(&tool);
    ngx_http_jamhook_crypto_exit();
    ngx_destroy_pool(tool.pool);

    return rc;
}


static ngx_int_t
ngx_http_jamhook_tool_options_read(ngx_http_jamhook_tool_t *tool, int argc,
    char **argv)
{
    int             c;
    char            letters[2 * NGX_HTTP_JAMHOOK_TOOL_OPTIONS + 1], *p;
    ngx_uint_t      i;
    struct option   longs[NGX_HTTP_JAMHOOK_TOOL_OPTIONS + 1];

    p = letters;
    ngx_memzero(longs, sizeof(longs));

    for (i = 0; i < NGX_HTTP_JAMHOOK_TOOL_OPTIONS; i++) {
        longs[i].name = ngx_http_jamhook_tool_options[i].name;
        longs[i].has_arg = ngx_http_jamhook_tool_options[i].argument;
        longs[i].val = NGX_HTTP_JAMHOOK_TOOL_LONG + (int) i;

        if (ngx_http_jamhook_tool_options[i].letter) {
            *p++ = ngx_http_jamhook_tool_options[i].letter;

            if (ngx_http_jamhook_tool_options[i].argument) {
                *p++ = ':';
            }
        }
    }

    *p = '\0';

    for ( ;; ) {
        c = getopt_long(argc, argv, letters, longs, NULL);

        if (c == -1) {
            break;
        }

        if (c == '?') {
            ngx_http_jamhook_tool_say("\"jamhook --help\" tells what there"
                                      " is");
            return NGX_ERROR;
        }

        if (ngx_http_jamhook_tool_option_set(tool, c) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (optind < argc) {
        tool->command = argv[optind];
        tool->args = &argv[optind + 1];
        tool->nargs = argc - optind - 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_tool_option_set(ngx_http_jamhook_tool_t *tool, int c)
{
    char        **header;
    ngx_uint_t    i;

    if (c >= NGX_HTTP_JAMHOOK_TOOL_LONG) {
        i = c - NGX_HTTP_JAMHOOK_TOOL_LONG;

    } else {
        for (i = 0; ngx_http_jamhook_tool_options[i].letter != c; i++) {
            /* void: getopt() knows no other letters */
        }
    }

    if (i == NGX_HTTP_JAMHOOK_TOOL_HEADER) {
        header = ngx_http_jamhook_tool_push(&tool->headers);
        *header = optarg;

    } else if (tool->given[i] && optarg != NULL) {
        ngx_http_jamhook_tool_say("--%s is given twice",
                                  ngx_http_jamhook_tool_options[i].name);
        return NGX_ERROR;
    }

    tool->given[i] = 1;
    tool->values[i] = optarg;

    return NGX_OK;
}


static int
ngx_http_jamhook_tool_run(ngx_http_jamhook_tool_t *tool)
{
    ngx_uint_t                        i;
    ngx_http_jamhook_tool_command_t  *command;

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_VERSION]) {
        (void) printf("jamhook %s\n", NGX_HTTP_JAMHOOK_VERSION);
        return NGX_HTTP_JAMHOOK_TOOL_DONE;
    }

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_HELP]
        || (tool->command != NULL && strcmp(tool->command, "help") == 0))
    {
        (void) fputs(ngx_http_jamhook_tool_help, stdout);
        return NGX_HTTP_JAMHOOK_TOOL_DONE;
    }

    if (tool->command == NULL) {
        (void) fputs(ngx_http_jamhook_tool_help, stderr);
        return NGX_HTTP_JAMHOOK_TOOL_USAGE;
    }

    command = ngx_http_jamhook_tool_find(tool->command);

    if (command == NULL) {
        return ngx_http_jamhook_tool_usage(tool, "there is no such command");
    }

    for (i = 0; i < NGX_HTTP_JAMHOOK_TOOL_OPTIONS; i++) {
        if (tool->given[i] && !(command->options & (1u << i))) {
            return ngx_http_jamhook_tool_usage(tool, "--%s has no meaning"
                                               " here",
                                        ngx_http_jamhook_tool_options[i].name);
        }
    }

    if (tool->nargs < command->least) {
        return ngx_http_jamhook_tool_usage(tool, "an argument is missing");
    }

    if (tool->nargs > command->most) {
        return ngx_http_jamhook_tool_usage(tool, "there are too many"
                                           " arguments");
    }

    return command->run(tool);
}


static ngx_http_jamhook_tool_command_t *
ngx_http_jamhook_tool_find(const char *name)
{
    ngx_http_jamhook_tool_command_t  *command;

    for (command = ngx_http_jamhook_tool_commands; command->name; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }

    return NULL;
}


/* a disk that is full, or a pipe: what was asked for did not arrive */

static int
ngx_http_jamhook_tool_flush(int rc)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return rc;
    }

    ngx_http_jamhook_tool_say("writing to standard output failed: %s",
                              strerror(ngx_errno));

    return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
}


ngx_int_t
ngx_http_jamhook_tool_limit(ngx_http_jamhook_tool_t *tool, ngx_uint_t *n)
{
    int64_t    value;
    ngx_str_t  text;

    text = ngx_http_jamhook_tool_value(tool, NGX_HTTP_JAMHOOK_TOOL_LIMIT);

    if (text.data == NULL) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_text_number(&text, &value) != NGX_OK
        || value > NGX_HTTP_JAMHOOK_TOOL_LIMIT_MAX)
    {
        (void) ngx_http_jamhook_tool_usage(tool, "-n takes a number from 1 to"
                                           " %d",
                                           NGX_HTTP_JAMHOOK_TOOL_LIMIT_MAX);
        return NGX_ERROR;
    }

    *n = value;

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_tool_time(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_tool_option_e option, int64_t *ms)
{
    char     *text;
    int64_t   ago;

    text = tool->values[option];

    if (text == NULL || ngx_http_jamhook_tool_date(text, ms) == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_tool_duration(text, &ago) == NGX_OK) {
        *ms = ngx_http_jamhook_clock_now() - ago * 1000;
        *ms = ngx_max(*ms, 1);
        return NGX_OK;
    }

    (void) ngx_http_jamhook_tool_usage(tool, "--%s takes a time such as 2h,"
                                       " 30d, 2026-11-23 or"
                                       " 2026-11-23T15:04:05Z",
                                   ngx_http_jamhook_tool_options[option].name);
    return NGX_ERROR;
}


/* RFC 3339; a date alone is that day's beginning, in UTC */

static ngx_int_t
ngx_http_jamhook_tool_date(char *text, int64_t *ms)
{
    char       whole[64];
    ngx_str_t  s;

    if (strlen(text) >= sizeof(whole) - sizeof("T00:00:00Z")) {
        return NGX_DECLINED;
    }

    (void) snprintf(whole, sizeof(whole), "%s%s", text,
                    strlen(text) == 10 ? "T00:00:00Z" : "");

    s.data = (u_char *) whole;
    s.len = strlen(whole);

    return ngx_http_jamhook_query_time(&s, ms);
}


ngx_int_t
ngx_http_jamhook_tool_duration(char *text, int64_t *s)
{
    size_t       len;
    int64_t      unit;
    ngx_str_t    digits;
    const char  *p;

    static const char     units[] = "smhdw";
    static const int64_t  seconds[] = { 1, 60, 3600, 86400, 7 * 86400 };

    len = strlen(text);
    unit = 1;

    if (len > 1) {
        p = strchr(units, text[len - 1]);

        if (p != NULL) {
            unit = seconds[p - units];
            len--;
        }
    }

    digits.data = (u_char *) text;
    digits.len = len;

    /* nobody looks back further than this, and nothing overflows */

    if (len > 9 || ngx_http_jamhook_text_number(&digits, s) != NGX_OK) {
        return NGX_DECLINED;
    }

    *s *= unit;

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_tool_word(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_tool_option_e option, const char **words,
    ngx_uint_t *index)
{
    char        list[128], *p;
    ngx_uint_t  i;

    if (tool->values[option] == NULL) {
        return NGX_OK;
    }

    p = list;

    for (i = 0; words[i] != NULL; i++) {

        if (strcmp(tool->values[option], words[i]) == 0) {
            *index = i;
            return NGX_OK;
        }

        p += snprintf(p, list + sizeof(list) - p, "%s%s",
                      i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ",
                      words[i]);
    }

    (void) ngx_http_jamhook_tool_usage(tool, "--%s takes %s",
                                   ngx_http_jamhook_tool_options[option].name,
                                       list);
    return NGX_ERROR;
}


ngx_str_t
ngx_http_jamhook_tool_value(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_tool_option_e option)
{
    ngx_str_t  value;

    ngx_str_null(&value);

    if (tool->values[option] != NULL) {
        value.data = (u_char *) tool->values[option];
        value.len = strlen(tool->values[option]);
    }

    return value;
}


void
ngx_http_jamhook_tool_say(const char *format, ...)
{
    va_list  args;

    (void) fflush(stdout);
    (void) fputs("jamhook: ", stderr);

    va_start(args, format);
    (void) vfprintf(stderr, format, args);
    va_end(args);

    (void) fputc('\n', stderr);
}


int
ngx_http_jamhook_tool_usage(ngx_http_jamhook_tool_t *tool, const char *format,
    ...)
{
    va_list    args;
    ngx_str_t  command;

    command.data = (u_char *) tool->command;
    command.len = strlen(tool->command);

    (void) fprintf(stderr, "jamhook: %s: ",
                   ngx_http_jamhook_tool_safe(tool->pool, &command));

    va_start(args, format);
    (void) vfprintf(stderr, format, args);
    va_end(args);

    (void) fputs("; \"jamhook --help\" tells more\n", stderr);

    return NGX_HTTP_JAMHOOK_TOOL_USAGE;
}


void
ngx_http_jamhook_tool_no_memory(void)
{
    (void) fputs("jamhook: memory is short\n", stderr);
    exit(NGX_HTTP_JAMHOOK_TOOL_TROUBLE);
}


void *
ngx_http_jamhook_tool_alloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_pcalloc(pool, size);

    if (p == NULL) {
        ngx_http_jamhook_tool_no_memory();
    }

    return p;
}


void *
ngx_http_jamhook_tool_push(ngx_array_t *a)
{
    void  *p;

    p = ngx_array_push(a);

    if (p == NULL) {
        ngx_http_jamhook_tool_no_memory();
    }

    return p;
}


void
ngx_http_jamhook_tool_array(ngx_array_t *a, ngx_pool_t *pool, size_t size)
{
    if (ngx_array_init(a, pool, 16, size) != NGX_OK) {
        ngx_http_jamhook_tool_no_memory();
    }
}
