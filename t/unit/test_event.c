
#include "ngx_http_jamhook_event.h"

#include "ngx_shim.h"
#include "tap.h"


#define RECORDED   NGX_HTTP_JAMHOOK_RECORDED
#define OPTED_OUT  NGX_HTTP_JAMHOOK_OPTED_OUT
#define CREATED    "jam.created"
#define UNKNOWN    "unknown"

/* bodies of both generations around a test's own members */

#define ENVELOPE(data)                                                       \
    "{\"id\":\"e\",\"type\":\"t\",\"created_at\":\"c\",\"data\":{" data "}}"
#define DATA(data)                                                           \
    "{\"data\":{" data "}}"

/* 10 and 64 bytes */

#define X10   "xxxxxxxxxx"
#define X64   X10 X10 X10 X10 X10 X10 "xxxx"
#define X256  X64 X64 X64 X64

#define TYPE_UNSAFE     "\"type\" is unsafe: it may have [A-Za-z0-9_.:/-] only"
#define CONV_UNSAFE     "\"data.conversationId\" is unsafe: it may have "     \
                        "[A-Za-z0-9_-] only"
#define CONV_NUMBER     "\"data.conversationId\" is a number, but no integer " \
                        "of up to 15 digits"
#define CONTROL         "is unsafe: it holds a control character"
#define NUL             "is unsafe: it holds a NUL character"
#define NO_URL          "is not an absolute http or https URL"


typedef struct {
    const char  *body;
    const char  *event_type;       /* the location's, NULL: auto */

    const char  *type;
    const char  *event_id;
    const char  *created_at;
    const char  *conversation_id;
    const char  *jam_id;
    const char  *recording_url;
    const char  *problem;
    ngx_uint_t   type_problem;
    ngx_uint_t   is_connector_output;
} event_t;


/* what Jam sends */

static event_t  event_samples[] = {

    { "{\n  \"id\": \"evt_12345\",\n"
      "  \"type\": \"intercom.recorder.recorded\",\n"
      "  \"created_at\": \"2025-09-09T12:00:00Z\",\n"
      "  \"data\": {\n    \"conversationId\": \"215470686832743\",\n"
      "    \"jamId\": \"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc\",\n"
      "    \"recording_url\": \"https://jam.dev/r/rec_12345\"\n  }\n}\n",
      NULL, RECORDED, "evt_12345", "2025-09-09T12:00:00Z", "215470686832743",
      "9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc", "https://jam.dev/r/rec_12345",
      "", 0, 0 },

    { "{\"id\":\"evt_12346\",\"type\":\"intercom.recorder.opted_out\","
      "\"created_at\":\"2025-09-09T12:00:00Z\","
      "\"data\":{\"conversationId\":\"215470686832743\"}}",
      NULL, OPTED_OUT, "evt_12346", "2025-09-09T12:00:00Z",
      "215470686832743", "", "", "", 0, 0 },

    { "{\"conversationId\":\"conversation-123\",\"jamId\":\"jam-intercom-1\","
      "\"jamUrl\":\"https://jam.dev/c/jam-intercom-1\"}",
      NULL, RECORDED, "", "", "conversation-123", "jam-intercom-1",
      "https://jam.dev/c/jam-intercom-1", "", 0, 0 },

    { "{\"conversationId\":\"conversation-456\"}",
      NULL, OPTED_OUT, "", "", "conversation-456", "", "", "", 0, 0 },

    { "{\"jamId\":\"j\",\"jamUrl\":\"https://jam.dev/c/j\",\"teamId\":\"t\","
      "\"type\":\"video\",\"createdAt\":\"2026-01-01T00:00:00Z\","
      "\"author\":{},\"media\":{},\"systemInfo\":{},"
      "\"intercom\":{\"conversationId\":\"123\"}}",
      NULL, CREATED, "", "", "123", "j", "https://jam.dev/c/j", "", 0, 0 },

    { "{\"jamId\":\"j\",\"jamUrl\":\"https://jam.dev/c/j\",\"teamId\":\"t\"}",
      NULL, CREATED, "", "", "", "j", "https://jam.dev/c/j", "", 0, 0 },

    { "{}", NULL, UNKNOWN, "", "", "", "", "", "", 0, 0 },
    { "{\"data\":{}}", NULL, UNKNOWN, "", "", "", "", "", "", 0, 0 },
};


/* where the type comes from */

static event_t  event_types[] = {

    /* the envelope's first, then the location's, then the shape */

    { ENVELOPE("\"conversationId\":\"1\""), NULL,
      "t", "e", "c", "1", "", "", "", 0, 0 },
    { ENVELOPE("\"conversationId\":\"1\""), RECORDED,
      "t", "e", "c", "1", "", "", "", 0, 0 },
    { DATA("\"conversationId\":\"1\""), "other.type",
      "other.type", "", "", "1", "", "", "", 0, 0 },
    { DATA("\"conversationId\":\"1\""), NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"type\":null,\"data\":{\"conversationId\":\"1\"}}", "other.type",
      "other.type", "", "", "1", "", "", "", 0, 0 },
    { "{\"type\":null,\"data\":{\"conversationId\":\"1\"}}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\"}", RECORDED,
      RECORDED, "", "", "1", "", "", "", 0, 0 },
    { "{}", OPTED_OUT, OPTED_OUT, "", "", "", "", "", "", 0, 0 },

    /* a flat body's type, id and created_at are none */

    { "{\"conversationId\":\"1\",\"type\":\"intercom.recorder.recorded\","
      "\"id\":\"e\",\"created_at\":\"c\"}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"type\":7,\"id\":7,\"created_at\":[]}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"type\":\"a\",\"type\":\"b\"}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"type\":\"t\"}", NULL, UNKNOWN, "", "", "", "", "", "", 0, 0 },

    /* only an object is an envelope's data */

    { "{\"type\":\"t\",\"data\":null,\"conversationId\":\"1\"}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"type\":\"t\",\"data\":\"x\",\"conversationId\":\"1\"}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"type\":\"t\",\"data\":[{}],\"conversationId\":\"1\"}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"type\":\"t\",\"Data\":{},\"conversationId\":\"1\"}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },

    /* and beside it the top level has no members */

    { "{\"conversationId\":\"9\",\"jamId\":\"9\","
      "\"data\":{\"conversationId\":\"1\"}}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"9\",\"conversationId\":\"9\",\"data\":{}}", NULL,
      UNKNOWN, "", "", "", "", "", "", 0, 0 },

    /* recorded: any of three members, not null */

    { "{\"conversationId\":\"1\",\"jamId\":\"j\"}", NULL,
      RECORDED, "", "", "1", "j", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"jamUrl\":\"http://u\"}", NULL,
      RECORDED, "", "", "1", "", "http://u", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"recording_url\":\"http://u\"}", NULL,
      RECORDED, "", "", "1", "", "http://u", "", 0, 0 },
    { DATA("\"conversationId\":\"1\",\"jamId\":\"j\""), NULL,
      RECORDED, "", "", "1", "j", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"jamId\":null,\"jamUrl\":\"http://u\"}",
      NULL, RECORDED, "", "", "1", "", "http://u", "", 0, 0 },

    /* never opted_out where a renamed member may hide a recording */

    { "{\"conversationId\":\"1\",\"jamId\":null}", NULL,
      UNKNOWN, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"jamLink\":\"http://u\"}", NULL,
      UNKNOWN, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"JAM\":1}", NULL,
      UNKNOWN, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"\\u006aam_id\":1}", NULL,
      UNKNOWN, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"recordingUrl\":\"http://u\"}", NULL,
      UNKNOWN, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"Recorder\":{}}", NULL,
      UNKNOWN, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"recording_url\":null}", NULL,
      UNKNOWN, "", "", "1", "", "", "", 0, 0 },
    { DATA("\"conversationId\":\"1\",\"jamUri\":\"http://u\""), NULL,
      UNKNOWN, "", "", "1", "", "", "", 0, 0 },
    { "{\"jamX\":1,\"data\":{\"conversationId\":\"1\"}}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"1\",\"ja\":1,\"myjam\":1,\"recor\":1,"
      "\"o\":{\"jamId\":\"j\"}}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },

    /* no conversation, no recorder event */

    { "{\"conversationId\":null}", NULL,
      UNKNOWN, "", "", "", "", "", "", 0, 0 },
    { "{\"conversationID\":\"1\"}", NULL,
      UNKNOWN, "", "", "", "", "", "", 0, 0 },
    { "{\"jamId\":\"j\"}", NULL, UNKNOWN, "", "", "", "j", "", "", 0, 0 },

    /* jam.created needs all three, flat, and no conversation of its own */

    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\"}", NULL,
      UNKNOWN, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"teamId\":\"t\"}", NULL,
      UNKNOWN, "", "", "", "j", "", "", 0, 0 },
    { "{\"jamUrl\":\"http://u\",\"teamId\":\"t\"}", NULL,
      UNKNOWN, "", "", "", "", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":null}", NULL,
      UNKNOWN, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"recording_url\":\"http://u\",\"teamId\":\"t\"}",
      NULL, UNKNOWN, "", "", "", "j", "http://u", "", 0, 0 },
    { DATA("\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
           "\"intercom\":{\"conversationId\":\"1\"}"), NULL,
      UNKNOWN, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"conversationId\":\"1\",\"intercom\":{\"conversationId\":\"2\"}}",
      NULL, RECORDED, "", "", "1", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"conversationId\":null,\"intercom\":{\"conversationId\":\"2\"}}",
      NULL, CREATED, "", "", "2", "j", "http://u", "", 0, 0 },

    /* its conversation is taken where it is good, and never a problem */

    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"intercom\":null}", NULL,
      CREATED, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"intercom\":\"1\"}", NULL,
      CREATED, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"intercom\":{}}", NULL,
      CREATED, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"intercom\":{\"conversationId\":\"../1\"}}", NULL,
      CREATED, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"intercom\":{\"conversationId\":\"\\u0000\"}}", NULL,
      CREATED, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"intercom\":{\"conversationId\":\"1\",\"conversationId\":\"2\"}}",
      NULL, CREATED, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"intercom\":{\"conversationId\":\"1\"},\"intercom\":{}}",
      NULL, CREATED, "", "", "", "j", "http://u", "", 0, 0 },

    /* what is told to be of another type takes nothing from there */

    { "{\"jamId\":\"j\",\"jamUrl\":\"http://u\",\"teamId\":\"t\","
      "\"intercom\":{\"conversationId\":\"1\"}}", RECORDED,
      RECORDED, "", "", "", "j", "http://u", "", 0, 0 },
    { "{\"jamId\":\"j\",\"intercom\":{\"conversationId\":\"1\"}}", CREATED,
      CREATED, "", "", "1", "j", "", "", 0, 0 },
};


/* what is wrong with members */

static event_t  event_problems[] = {

    /* type */

    { "{\"type\":\"a b\",\"data\":{}}", RECORDED,
      UNKNOWN, "", "", "", "", "", TYPE_UNSAFE, 1, 0 },
    { "{\"type\":\"a\\u0000b\",\"data\":{}}", NULL,
      UNKNOWN, "", "", "", "", "", "\"type\" " NUL, 1, 0 },
    { "{\"type\":\"\",\"data\":{}}", NULL,
      UNKNOWN, "", "", "", "", "", "\"type\" is empty", 1, 0 },
    { "{\"type\":7,\"data\":{\"conversationId\":\"1\"}}", NULL,
      UNKNOWN, "", "", "1", "", "", "\"type\" is not a string", 1, 0 },
    { "{\"type\":{},\"data\":{}}", NULL,
      UNKNOWN, "", "", "", "", "", "\"type\" is not a string", 1, 0 },
    { "{\"type\":true,\"data\":{}}", NULL,
      UNKNOWN, "", "", "", "", "", "\"type\" is not a string", 1, 0 },
    { "{\"type\":\"a\",\"type\":\"a\",\"data\":{}}", NULL,
      UNKNOWN, "", "", "", "", "", "\"type\" stands twice", 1, 0 },
    { "{\"type\":\"a\",\"data\":{},\"ty\\u0070e\":\"a\"}", NULL,
      UNKNOWN, "", "", "", "", "", "\"type\" stands twice", 1, 0 },
    { "{\"type\":null,\"type\":null,\"data\":{}}", RECORDED,
      UNKNOWN, "", "", "", "", "", "\"type\" stands twice", 1, 0 },
    { "{\"type\":\"" X64 X64 "\",\"data\":{}}", NULL,
      X64 X64, "", "", "", "", "", "", 0, 0 },
    { "{\"type\":\"" X64 X64 "x\",\"data\":{}}", NULL,
      UNKNOWN, "", "", "", "", "", "\"type\" is too long", 1, 0 },

    /* data: of two none counts */

    { "{\"id\":\"e\",\"type\":\"t\",\"data\":{\"conversationId\":\"1\"},"
      "\"data\":{}}", RECORDED,
      UNKNOWN, "", "", "", "", "", "\"data\" stands twice", 1, 0 },
    { "{\"conversationId\":\"1\",\"data\":null,\"data\":null}", NULL,
      UNKNOWN, "", "", "", "", "", "\"data\" stands twice", 1, 0 },
    { "{\"data\":{\"conversationId\":\"1\"},\"d\\u0061ta\":1}", NULL,
      UNKNOWN, "", "", "", "", "", "\"data\" stands twice", 1, 0 },

    /* id and created_at: they make no type_problem */

    { "{\"id\":7,\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"id\" is not a string", 0, 0 },
    { "{\"id\":\"\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"id\" is empty", 0, 0 },
    { "{\"id\":\"a\\nb\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"id\" " CONTROL, 0, 0 },
    { "{\"id\":\"a\x7f\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"id\" " CONTROL, 0, 0 },
    { "{\"id\":\"a\",\"id\":\"a\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"id\" stands twice", 0, 0 },
    { "{\"id\":\"" X256 "\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", X256, "", "", "", "", "", 0, 0 },
    { "{\"id\":\"" X256 "x\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"id\" is too long", 0, 0 },
    { "{\"created_at\":1,\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"created_at\" is not a string", 0, 0 },
    { "{\"created_at\":\"\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"created_at\" is empty", 0, 0 },
    { "{\"created_at\":\"\\r\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"created_at\" " CONTROL, 0, 0 },
    { "{\"created_at\":\"\\u0000\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"created_at\" " NUL, 0, 0 },
    { "{\"created_at\":1,\"created_at\":1,\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"created_at\" stands twice", 0, 0 },
    { "{\"created_at\":\"" X256 "x\",\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "\"created_at\" is too long", 0, 0 },
    { "{\"created_at\":null,\"id\":null,\"type\":\"t\",\"data\":{}}", NULL,
      "t", "", "", "", "", "", "", 0, 0 },

    /* conversationId */

    { ENVELOPE("\"conversationId\":215470686832743"), NULL,
      "t", "e", "c", "215470686832743", "", "", "", 0, 0 },
    { ENVELOPE("\"conversationId\":0"), NULL,
      "t", "e", "c", "0", "", "", "", 0, 0 },
    { ENVELOPE("\"conversationId\":999999999999999"), NULL,
      "t", "e", "c", "999999999999999", "", "", "", 0, 0 },
    { ENVELOPE("\"conversationId\":1000000000000000"), NULL,
      "t", "e", "c", "", "", "", CONV_NUMBER, 0, 0 },
    { ENVELOPE("\"conversationId\":-1"), NULL,
      "t", "e", "c", "", "", "", CONV_NUMBER, 0, 0 },
    { ENVELOPE("\"conversationId\":1.5"), NULL,
      "t", "e", "c", "", "", "", CONV_NUMBER, 0, 0 },
    { ENVELOPE("\"conversationId\":\"AZaz09_-\""), NULL,
      "t", "e", "c", "AZaz09_-", "", "", "", 0, 0 },
    { ENVELOPE("\"conversationId\":\"" X64 X64 "\""), NULL,
      "t", "e", "c", X64 X64, "", "", "", 0, 0 },
    { ENVELOPE("\"conversationId\":\"" X64 X64 "x\""), NULL,
      "t", "e", "c", "", "", "", "\"data.conversationId\" is too long", 0, 0 },
    { ENVELOPE("\"conversationId\":\"\""), NULL,
      "t", "e", "c", "", "", "", "\"data.conversationId\" is empty", 0, 0 },
    { ENVELOPE("\"conversationId\":\"../x\""), NULL,
      "t", "e", "c", "", "", "", CONV_UNSAFE, 0, 0 },
    { ENVELOPE("\"conversationId\":\"a/b\""), NULL,
      "t", "e", "c", "", "", "", CONV_UNSAFE, 0, 0 },
    { ENVELOPE("\"conversationId\":\"a?b\""), NULL,
      "t", "e", "c", "", "", "", CONV_UNSAFE, 0, 0 },
    { ENVELOPE("\"conversationId\":\"a%2fb\""), NULL,
      "t", "e", "c", "", "", "", CONV_UNSAFE, 0, 0 },
    { ENVELOPE("\"conversationId\":\"1\\r\\nX: y\""), NULL,
      "t", "e", "c", "", "", "", CONV_UNSAFE, 0, 0 },
    { ENVELOPE("\"conversationId\":\"1\\u0000\""), NULL,
      "t", "e", "c", "", "", "", "\"data.conversationId\" " NUL, 0, 0 },
    { ENVELOPE("\"conversationId\":true"), NULL,
      "t", "e", "c", "", "", "", "\"data.conversationId\" is not a string",
      0, 0 },
    { ENVELOPE("\"conversationId\":[\"1\"]"), NULL,
      "t", "e", "c", "", "", "", "\"data.conversationId\" is not a string",
      0, 0 },
    { ENVELOPE("\"conversationId\":\"1\",\"conversationId\":\"1\""), NULL,
      "t", "e", "c", "", "", "", "\"data.conversationId\" stands twice",
      0, 0 },
    { ENVELOPE("\"conversationId\":\"1\",\"\\u0063onversationId\":\"2\""),
      NULL,
      "t", "e", "c", "", "", "", "\"data.conversationId\" stands twice",
      0, 0 },
    { ENVELOPE("\"conversationId\":1,\"conversationId\":1"), NULL,
      "t", "e", "c", "", "", "", "\"data.conversationId\" stands twice",
      0, 0 },
    { ENVELOPE("\"conversationId\":\"1\",\"conversationId\\u0000\":\"2\""),
      NULL, "t", "e", "c", "1", "", "", "", 0, 0 },
    { ENVELOPE("\"conversationId\\u0000\":\"2\""), NULL,
      "t", "e", "c", "", "", "", "", 0, 0 },
    { ENVELOPE("\"x\":\"\\u0000\",\"conversationId\":\"1\""), NULL,
      "t", "e", "c", "1", "", "", "", 0, 0 },
    { "{\"conversationId\":\"a.b\"}", NULL,
      OPTED_OUT, "", "", "", "", "",
      "\"conversationId\" is unsafe: it may have [A-Za-z0-9_-] only", 0, 0 },
    { "{\"conversationId\":\"1\",\"conversationId\":\"2\","
      "\"jamId\":\"j\"}", NULL,
      RECORDED, "", "", "", "j", "", "\"conversationId\" stands twice", 0, 0 },

    /* jamId */

    { ENVELOPE("\"jamId\":\"" X256 "\""), NULL,
      "t", "e", "c", "", X256, "", "", 0, 0 },
    { ENVELOPE("\"jamId\":\"" X256 "x\""), NULL,
      "t", "e", "c", "", "", "", "\"data.jamId\" is too long", 0, 0 },
    { ENVELOPE("\"jamId\":\"a b \xc3\xa9 \\\" \\\\\""), NULL,
      "t", "e", "c", "", "a b \xc3\xa9 \" \\", "", "", 0, 0 },
    { ENVELOPE("\"jamId\":\"\""), NULL,
      "t", "e", "c", "", "", "", "\"data.jamId\" is empty", 0, 0 },
    { ENVELOPE("\"jamId\":1"), NULL,
      "t", "e", "c", "", "", "", "\"data.jamId\" is not a string", 0, 0 },
    { ENVELOPE("\"jamId\":\"\\t\""), NULL,
      "t", "e", "c", "", "", "", "\"data.jamId\" " CONTROL, 0, 0 },
    { ENVELOPE("\"jamId\":\"\\u0001\""), NULL,
      "t", "e", "c", "", "", "", "\"data.jamId\" " CONTROL, 0, 0 },
    { ENVELOPE("\"jamId\":\"a\\u0000\""), NULL,
      "t", "e", "c", "", "", "", "\"data.jamId\" " NUL, 0, 0 },
    { ENVELOPE("\"jamId\":\"a\",\"jamId\":\"a\""), NULL,
      "t", "e", "c", "", "", "", "\"data.jamId\" stands twice", 0, 0 },
    { "{\"conversationId\":\"1\",\"jamId\":\"\"}", NULL,
      RECORDED, "", "", "1", "", "", "\"jamId\" is empty", 0, 0 },

    /* the URL, by both names */

    { ENVELOPE("\"recording_url\":\"https://r\",\"jamUrl\":\"https://j\""),
      NULL, "t", "e", "c", "", "", "https://r", "", 0, 0 },
    { ENVELOPE("\"jamUrl\":\"https://j\",\"recording_url\":\"https://r\""),
      NULL, "t", "e", "c", "", "", "https://r", "", 0, 0 },
    { ENVELOPE("\"jamUrl\":\"https://j\",\"recording_url\":null"),
      NULL, "t", "e", "c", "", "", "https://j", "", 0, 0 },
    { ENVELOPE("\"jamUrl\":7,\"recording_url\":\"https://r\""),
      NULL, "t", "e", "c", "", "", "https://r", "", 0, 0 },
    { ENVELOPE("\"jamUrl\":\"https://j\",\"jamUrl\":\"https://j\","
               "\"recording_url\":\"https://r\""),
      NULL, "t", "e", "c", "", "", "https://r", "", 0, 0 },
    { ENVELOPE("\"jamUrl\":\"https://j\",\"recording_url\":\"\""),
      NULL, "t", "e", "c", "", "", "", "\"data.recording_url\" is empty",
      0, 0 },
    { ENVELOPE("\"recording_url\":7"), NULL,
      "t", "e", "c", "", "", "", "\"data.recording_url\" is not a string",
      0, 0 },
    { ENVELOPE("\"recording_url\":\"ftp://x\""), NULL,
      "t", "e", "c", "", "", "", "\"data.recording_url\" " NO_URL, 0, 0 },
    { ENVELOPE("\"recording_url\":\"https://a b\""), NULL,
      "t", "e", "c", "", "", "", "\"data.recording_url\" " NO_URL, 0, 0 },
    { ENVELOPE("\"recording_url\":\"https://a\\u0000\""), NULL,
      "t", "e", "c", "", "", "", "\"data.recording_url\" " NUL, 0, 0 },
    { ENVELOPE("\"recording_url\":\"/r/1\""), NULL,
      "t", "e", "c", "", "", "", "\"data.recording_url\" " NO_URL, 0, 0 },
    { ENVELOPE("\"recording_url\":\"https://\""), NULL,
      "t", "e", "c", "", "", "", "\"data.recording_url\" " NO_URL, 0, 0 },
    { ENVELOPE("\"recording_url\":\"http://a\",\"recording_url\":\"http://a\""),
      NULL, "t", "e", "c", "", "", "",
      "\"data.recording_url\" stands twice", 0, 0 },
    { ENVELOPE("\"jamUrl\":\"x\""), NULL,
      "t", "e", "c", "", "", "", "\"data.jamUrl\" " NO_URL, 0, 0 },
    { ENVELOPE("\"jamUrl\":\"\""), NULL,
      "t", "e", "c", "", "", "", "\"data.jamUrl\" is empty", 0, 0 },
    { ENVELOPE("\"jamUrl\":\"http://a\",\"jamUrl\":\"http://a\""), NULL,
      "t", "e", "c", "", "", "", "\"data.jamUrl\" stands twice", 0, 0 },

    /* the first problem is told; the rest is read all the same */

    { ENVELOPE("\"recording_url\":\"x\",\"jamId\":\"\","
               "\"conversationId\":\"1\""), NULL,
      "t", "e", "c", "1", "", "", "\"data.jamId\" is empty", 0, 0 },
    { "{\"type\":\"\",\"id\":\"\",\"created_at\":\"c\","
      "\"data\":{\"conversationId\":\"1\"}}", NULL,
      UNKNOWN, "", "c", "1", "", "", "\"type\" is empty", 1, 0 },
};


/* the connector's own output, posted to us */

static event_t  event_outputs[] = {

    { "{\"event\":\"intercom.recorder.opted_out\","
      "\"payload\":{\"conversationId\":\"1\"}}", NULL,
      UNKNOWN, "", "", "", "", "", "", 0, 1 },
    { "{\"event\":\"x\",\"payload\":{}}", RECORDED,
      RECORDED, "", "", "", "", "", "", 0, 1 },
    { "{\"data\":{\"event\":\"x\",\"payload\":{\"conversationId\":\"1\"}}}",
      NULL, UNKNOWN, "", "", "", "", "", "", 0, 1 },
    { "{\"event\":\"x\",\"payload\":{},\"data\":null,\"conversationId\":null}",
      NULL, UNKNOWN, "", "", "", "", "", "", 0, 1 },

    { "{\"event\":\"x\"}", NULL, UNKNOWN, "", "", "", "", "", "", 0, 0 },
    { "{\"payload\":{}}", NULL, UNKNOWN, "", "", "", "", "", "", 0, 0 },
    { "{\"event\":{},\"payload\":{}}", NULL,
      UNKNOWN, "", "", "", "", "", "", 0, 0 },
    { "{\"event\":\"x\",\"payload\":\"x\"}", NULL,
      UNKNOWN, "", "", "", "", "", "", 0, 0 },
    { "{\"event\":\"x\",\"payload\":[]}", NULL,
      UNKNOWN, "", "", "", "", "", "", 0, 0 },
    { "{\"event\":\"x\",\"payload\":{},\"conversationId\":\"1\"}", NULL,
      OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"event\":\"x\",\"payload\":{},\"data\":{\"conversationId\":\"1\"}}",
      NULL, OPTED_OUT, "", "", "1", "", "", "", 0, 0 },
    { "{\"event\":\"x\",\"payload\":{},\"data\":{},\"data\":{}}",
      NULL, UNKNOWN, "", "", "", "", "", "\"data\" stands twice", 1, 0 },
};


static void
test_events(ngx_pool_t *pool, const char *name, event_t *table, ngx_uint_t n)
{
    char                      *why;
    ngx_int_t                  rc;
    ngx_str_t                  body, type;
    ngx_uint_t                 i;
    ngx_pool_t                *temp;
    ngx_http_jamhook_event_t   event;

    for (i = 0; i < n; i++) {

        /* the body is gone when the event is looked at */

        temp = ngx_create_pool(1, NULL);
        body = shim_str(temp, table[i].body);

        ngx_str_null(&type);

        if (table[i].event_type != NULL) {
            type = shim_str(pool, table[i].event_type);
        }

        memset(&event, 0xff, sizeof(event));

        rc = ngx_http_jamhook_event_read(&event, &body, &type, pool, &why);

        ngx_destroy_pool(temp);

        if (!ok(rc == NGX_OK, "%s %u is read: %.160s", name, (unsigned) i,
                table[i].body))
        {
            continue;
        }

        is(event.type, table[i].type, "%s %u: type", name, (unsigned) i);
        is(event.event_id, table[i].event_id, "%s %u: id", name, (unsigned) i);
        is(event.created_at, table[i].created_at, "%s %u: created_at", name,
           (unsigned) i);
        is(event.conversation_id, table[i].conversation_id,
           "%s %u: conversation", name, (unsigned) i);
        is(event.jam_id, table[i].jam_id, "%s %u: Jam", name, (unsigned) i);
        is(event.recording_url, table[i].recording_url, "%s %u: URL", name,
           (unsigned) i);
        is(event.problem, table[i].problem, "%s %u: problem \"%s\"", name,
           (unsigned) i, table[i].problem);

        ok(event.type_problem == table[i].type_problem
           && event.is_connector_output == table[i].is_connector_output,
           "%s %u: flags", name, (unsigned) i);
    }
}


/* 2,048 bytes of URL are read, 2,049 are not */

static void
test_long_url(ngx_pool_t *pool)
{
    char                      *why;
    u_char                    *p;
    ngx_str_t                  body, type;
    ngx_uint_t                 len;
    ngx_http_jamhook_event_t   event;

    ngx_str_null(&type);

    for (len = 2048; len <= 2049; len++) {
        body.data = ngx_pnalloc(pool, 4096);

        p = ngx_cpymem(body.data, "{\"jamUrl\":\"http://a/", 20);
        memset(p, 'x', len - 9);
        p += len - 9;
        p = ngx_cpymem(p, "\"}", 2);
        body.len = p - body.data;

        (void) ngx_http_jamhook_event_read(&event, &body, &type, pool, &why);

        if (len == 2048) {
            ok(event.recording_url.len == 2048 && event.problem.len == 0,
               "a URL of 2,048 bytes");

        } else {
            ok(event.recording_url.len == 0, "a URL of 2,049 bytes");
            is(event.problem, "\"jamUrl\" is too long", "is too long");
        }
    }
}


static void
test_declined(ngx_pool_t *pool)
{
    char                      *why;
    ngx_int_t                  rc;
    ngx_str_t                  body, type;
    ngx_uint_t                 i;
    ngx_http_jamhook_event_t   event;

    static const char  *bodies[] = {
        "", " ", "null", "[]", "\"\"", "{", "{}x", "{\"conversationId\":\"1\"",
        "{\"conversationId\":\"1\"}{}", "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}",
        "conversationId=1", "{'conversationId':'1'}"
    };

    ngx_str_null(&type);

    for (i = 0; i < nitems(bodies); i++) {
        body = shim_str(pool, bodies[i]);
        why = NULL;

        rc = ngx_http_jamhook_event_read(&event, &body, &type, pool, &why);

        ok(rc == NGX_DECLINED && why != NULL, "no event: %s", bodies[i]);
    }
}


static void
test_matches(ngx_pool_t *pool)
{
    u_char       *p, *end;
    ngx_str_t     type, *pattern;
    ngx_uint_t    i;
    ngx_array_t  *patterns;

    static struct {
        const char  *type;
        const char  *patterns;     /* separated by spaces */
        ngx_uint_t   matches;
    } table[] = {
        { "a.b", "", 0 },
        { "a.b", "a.b", 1 },
        { "a.b", "a.c a.b", 1 },
        { "a.b", "a.c a.d", 0 },
        { "a.b", "*", 1 },
        { "unknown", "*", 1 },
        { "a.b", "a.*", 1 },
        { "a.b", "a*", 1 },
        { "a.b", "a.b*", 1 },
        { "a.b", "a.b.*", 0 },
        { "a.b", "a.bc*", 0 },
        { "a.b", "a", 0 },
        { "a.b", "a.bc", 0 },
        { "a.b", "A.B", 0 },
        { "a.b", "*.b", 0 },
        { "a.b", "b*", 0 },
        { "a.", "a.*", 1 },
        { "intercom.recorder.recorded", "intercom.recorder.opted_out "
          "intercom.recorder.recorded", 1 },
    };

    for (i = 0; i < nitems(table); i++) {
        patterns = shim_array(pool, 1, sizeof(ngx_str_t));
        type = shim_str(pool, table[i].type);

        p = (u_char *) table[i].patterns;

        while (*p != '\0') {
            end = p;

            while (*end != '\0' && *end != ' ') {
                end++;
            }

            pattern = ngx_array_push(patterns);
            *pattern = shim_bytes(pool, p, end - p);

            p = (*end == ' ') ? end + 1 : end;
        }

        ok(ngx_http_jamhook_event_matches(&type, patterns)
           == table[i].matches,
           "\"%s\" is %scovered by \"%s\"", table[i].type,
           table[i].matches ? "" : "not ", table[i].patterns);
    }
}


static void
test_recorder(ngx_pool_t *pool)
{
    ngx_str_t   type;
    ngx_uint_t  i;

    static const char  *others[] = {
        "", "unknown", "jam.created", "intercom.recorder.", "intercom.recorder",
        "intercom.recorder.recorde", "intercom.recorder.recordedx",
        "Intercom.recorder.recorded", "intercom.recorder.opted_ou",
        "xntercom.recorder.opted_out"
    };

    type = shim_str(pool, RECORDED);
    ok(ngx_http_jamhook_event_is_recorder(&type), "recorded is one");

    type = shim_str(pool, OPTED_OUT);
    ok(ngx_http_jamhook_event_is_recorder(&type), "opted_out is one");

    for (i = 0; i < nitems(others); i++) {
        type = shim_str(pool, others[i]);
        ok(!ngx_http_jamhook_event_is_recorder(&type), "\"%s\" is none",
           others[i]);
    }
}


static const char  *run_body;


static ngx_int_t
run_read(ngx_pool_t *pool)
{
    char                      *why;
    ngx_str_t                  body, type;
    ngx_http_jamhook_event_t   event;

    body.data = (u_char *) run_body;
    body.len = strlen(run_body);

    ngx_str_null(&type);

    return ngx_http_jamhook_event_read(&event, &body, &type, pool, &why);
}


int
main(void)
{
    ngx_uint_t   i;
    ngx_pool_t  *pool;

    static struct {
        const char  *body;
        ngx_int_t    n;        /* allocations of its own */
    } runs[] = {
        { "{\"conversationId\":\"1\"}", 2 },
        { "{\"conversationId\":1}", 3 },
        { "{\"conversationId\":-1}", 4 },
        { "{\"jamUrl\":\"\\u0000\"}", 4 },
        { "{\"jamUrl\":\"\"}", 3 },
        { "{\"jamId\":\"\"}", 3 },
        { "{\"data\":{\"conversationId\":\"\"}}", 3 },
        { "{\"data\":{},\"type\":1}", 3 },
        { "{\"data\":{},\"id\":1}", 3 },
        { "{\"data\":{},\"created_at\":1}", 3 },
        { "{\"data\":{},\"data\":1}", 3 },
    };

    pool = ngx_create_pool(1, NULL);

    test_events(pool, "sample", event_samples, nitems(event_samples));
    test_events(pool, "type", event_types, nitems(event_types));
    test_events(pool, "member", event_problems, nitems(event_problems));
    test_events(pool, "output", event_outputs, nitems(event_outputs));

    test_long_url(pool);
    test_declined(pool);
    test_matches(pool);
    test_recorder(pool);

    for (i = 0; i < nitems(runs); i++) {
        run_body = runs[i].body;

        ok(shim_exhaust(run_read) == runs[i].n, "%s without memory",
           run_body);
    }

    ngx_destroy_pool(pool);

    return done();
}
