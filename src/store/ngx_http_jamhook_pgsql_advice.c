
#include "ngx_http_jamhook_pgsql.h"


char *
ngx_http_jamhook_pgsql_advice(ngx_http_jamhook_failure_e kind)
{
    switch (kind) {

    case NGX_HTTP_JAMHOOK_STORE_OK:
        return "look whether the URI names the right server and database";

    case NGX_HTTP_JAMHOOK_STORE_AWAY:
        return "look whether the server runs, takes more connections and can "
               "be reached from here, and whether the standbys of its "
               "synchronous_standby_names are there, for COMMIT waits for them";

    case NGX_HTTP_JAMHOOK_STORE_DENIED:
        return "look at the user, at the password in \"passfile=\" and at the "
               "server's pg_hba.conf; the user needs rights on all in the "
               "schema \"jamhook\"";

    case NGX_HTTP_JAMHOOK_STORE_NOSTORE:
        return "let the database's owner run what \"jamhook schema\" prints, "
               "or let this user create the schema \"jamhook\"";

    case NGX_HTTP_JAMHOOK_STORE_OLDER:
        return "let its owner run what \"jamhook schema\" prints";

    case NGX_HTTP_JAMHOOK_STORE_CANTOPEN:
        return "look whether the database is there and the URI is right";

    case NGX_HTTP_JAMHOOK_STORE_READONLY:
        return "this is a standby, or set to read only: name all hosts in the "
               "URI, with \"target_session_attrs=read-write\"";

    case NGX_HTTP_JAMHOOK_STORE_BUSY:
        return "look into pg_stat_activity and pg_locks for a transaction "
               "that does not end";

    case NGX_HTTP_JAMHOOK_STORE_NOSPC:
        return "make room on the server's disk; a smaller "
               "\"jamhook_retention\" keeps it from filling up";

    case NGX_HTTP_JAMHOOK_STORE_IO:
    case NGX_HTTP_JAMHOOK_STORE_MEMORY:
        return "look at the server's log";

    case NGX_HTTP_JAMHOOK_STORE_CORRUPT:
        return "look whether the URI names the right database, who else "
               "changes what is in its schema \"jamhook\", and at the "
               "server's log";

    case NGX_HTTP_JAMHOOK_STORE_NEWER:
        return "install the version of the module that made it, or a later "
               "one";

    case NGX_HTTP_JAMHOOK_STORE_MOVED:
        return "it is opened anew";

    case NGX_HTTP_JAMHOOK_STORE_LEFT:
        break;
    }

    return "look at the server's log";
}
