# modes: plain san palloc
#
# jamhook_store, jamhook_retention, and what needs a store. The directory: 087.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config('location = /nothing { return 204; }');

run_tests();

__DATA__

=== TEST 1: a store in a directory, with no endpoint
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store;
--- warned







=== TEST 2: with a size
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store max_size=1m;
--- warned







=== TEST 3: a relative directory is below the prefix
--- http_config
    jamhook_store sqlite:conf/store/;
--- warned







=== TEST 4: it needs a place
--- http_config
    jamhook_store;
--- refused
invalid number of arguments in "jamhook_store" directive
at jamhook_store;







=== TEST 5: it takes one parameter
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store max_size=1g max_size=2g;
--- refused
invalid number of arguments in "jamhook_store" directive
at jamhook_store







=== TEST 6: a place without a scheme is refused
--- http_config
    jamhook_store /var/lib/jamhook;
--- refused
invalid value "/var/lib/jamhook" in "jamhook_store": give "sqlite:" and a directory, such as sqlite:/var/lib/nginx/jamhook
at jamhook_store







=== TEST 7: an empty one
--- http_config
    jamhook_store "";
--- refused
invalid value "" in "jamhook_store": give "sqlite:" and a directory
at jamhook_store







=== TEST 8: an unknown scheme, of which no more is told
--- http_config
    jamhook_store mysql://user:secret@db/jam;
--- refused
invalid value "mysql:" in "jamhook_store": give "sqlite:" and a directory
at jamhook_store







=== TEST 9: a scheme in capitals
--- http_config
    jamhook_store SQLite:$TEST_NGINX_SERVROOT/conf/store;
--- refused
invalid value "SQLite:" in "jamhook_store": 
at jamhook_store







=== TEST 10: sqlite: needs a directory
--- http_config
    jamhook_store sqlite:;
--- refused
invalid value "sqlite:" in "jamhook_store": a directory follows
at jamhook_store







=== TEST 11: of a name that SQLite can take
--- http_config
    jamhook_store sqlite:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;
--- refused
~ invalid value "sqlite:/a+" in "jamhook_store": the directory's whole name is longer than 480 bytes
at jamhook_store







=== TEST 12: an unknown parameter
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store size=1g;
--- refused
invalid value "size=1g" in "jamhook_store": the one parameter is "max_size="
at jamhook_store







=== TEST 13: a size that is none
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store max_size=ten;
--- refused
invalid value "max_size=ten" in "jamhook_store": give a size of 1m or more, such as max_size=10g
at jamhook_store







=== TEST 14: an empty size
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store max_size=;
--- refused
invalid value "max_size=" in "jamhook_store": give a size of 1m or more, such as max_size=10g
at jamhook_store







=== TEST 15: a size below 1m
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store max_size=1023k;
--- refused
invalid value "max_size=1023k" in "jamhook_store": give a size of 1m or more, such as max_size=10g
at jamhook_store







=== TEST 16: a negative size
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store max_size=-1m;
--- refused
invalid value "max_size=-1m" in "jamhook_store": give a size of 1m or more, such as max_size=10g
at jamhook_store







=== TEST 17: a size with a unit that is none
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store max_size=1t;
--- refused
invalid value "max_size=1t" in "jamhook_store": give a size of 1m or more, such as max_size=10g
at jamhook_store







=== TEST 18: a size that no integer holds
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store max_size=99999999999g;
--- refused
invalid value "max_size=99999999999g" in "jamhook_store": give a size of 1m or more, such as max_size=10g
at jamhook_store







=== TEST 19: it stands once
--- http_config
    jamhook_store sqlite:a;
    jamhook_store sqlite:b;
--- refused
"jamhook_store" directive is duplicate
at jamhook_store sqlite:b







=== TEST 20: in http alone
--- config
    jamhook_store sqlite:a;
--- refused
"jamhook_store" directive is not allowed here
at jamhook_store







=== TEST 21: a mistake in an included file
--- user_files
>>> store.conf

jamhook_store redis://localhost;
--- http_config
    include ../html/store.conf;
--- refused
invalid value "redis:" in "jamhook_store": 
at store.conf: jamhook_store







=== TEST 22: not in a directory of nginx's own
--- http_config
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store;
    proxy_temp_path $TEST_NGINX_SERVROOT/conf/store 1 2;
--- refused
~ invalid value "\S+/store" in "jamhook_store": nginx keeps files of its own in "\S+/store"
at jamhook_store







=== TEST 23: nor below a cache, where all would be removed
--- http_config
    proxy_cache_path $TEST_NGINX_SERVROOT/conf/store keys_zone=c:1m;
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store/jamhook;
--- refused
~ invalid value "\S+/store/jamhook" in "jamhook_store": nginx keeps files of its own in "\S+/store"
at jamhook_store







=== TEST 24: beside a cache of a like name
--- http_config
    proxy_cache_path $TEST_NGINX_SERVROOT/conf/store keys_zone=c:1m;
    jamhook_store sqlite:$TEST_NGINX_SERVROOT/conf/store2;
--- warned







=== TEST 25: jamhook_retention takes a time
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retention long;
--- refused
invalid value "long" in "jamhook_retention": give a time from 1s to 36500d, such as 30d
at jamhook_retention







=== TEST 26: no fraction of a second
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retention 500ms;
--- refused
invalid value "500ms" in "jamhook_retention": give a time from 1s to 36500d, such as 30d
at jamhook_retention







=== TEST 27: not 0
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retention 0;
--- refused
invalid value "0" in "jamhook_retention": give a time from 1s to 36500d, such as 30d
at jamhook_retention







=== TEST 28: no negative one
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retention -1d;
--- refused
invalid value "-1d" in "jamhook_retention": give a time from 1s to 36500d, such as 30d
at jamhook_retention







=== TEST 29: no empty one
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retention "";
--- refused
invalid value "" in "jamhook_retention": give a time from 1s to 36500d, such as 30d
at jamhook_retention







=== TEST 30: at most 36500d
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retention 36501d;
--- refused
invalid value "36501d" in "jamhook_retention": give a time from 1s to 36500d, such as 30d
at jamhook_retention







=== TEST 31: none that no integer holds
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retention 99999999999999999999;
--- refused
invalid value "99999999999999999999" in "jamhook_retention": give a time from 1s to 36500d, such as 30d
at jamhook_retention







=== TEST 32: jamhook_retention stands once
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retention 1d;
    jamhook_retention 2d;
--- refused
"jamhook_retention" directive is duplicate
at jamhook_retention 2d







=== TEST 33: in http alone
--- config
    jamhook_retention 1d;
--- refused
"jamhook_retention" directive is not allowed here
at jamhook_retention







=== TEST 34: from a second
--- http_config
    jamhook_retention 1s;
    jamhook_store sqlite:conf/store;
--- warned







=== TEST 35: to a hundred years
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retention 36500d;
--- warned







=== TEST 36: jamhook_retention needs a store
--- http_config
    jamhook_retention 1d;
--- refused
"jamhook_retention" needs "jamhook_store": without a store nothing is kept or tried again
at jamhook_retention







=== TEST 37: jamhook_retry in http
--- http_config
    jamhook_retry 1s;
--- refused
"jamhook_retry" needs "jamhook_store": without a store nothing is kept or tried again
at jamhook_retry







=== TEST 38: in a server
--- config
    jamhook_retry off;
--- refused
"jamhook_retry" needs "jamhook_store": without a store nothing is kept or tried again
at jamhook_retry







=== TEST 39: in a location, even one without a part in this
--- config
    location = /x {
        jamhook_retry 1s;
    }
--- refused
"jamhook_retry" needs "jamhook_store": without a store nothing is kept or tried again
at jamhook_retry







=== TEST 40: jamhook_disable_after
--- config
    jamhook_disable_after 1d;
--- refused
"jamhook_disable_after" needs "jamhook_store": without a store nothing is kept or tried again
at jamhook_disable_after







=== TEST 41: jamhook_rate
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate 1r/s;
    }
--- refused
"jamhook_rate" needs "jamhook_store": without a store nothing is kept or tried again
at jamhook_rate







=== TEST 42: of several the first is named
--- http_config
    jamhook_disable_after off;
    jamhook_retention 1d;
--- refused
"jamhook_disable_after" needs "jamhook_store": without a store nothing is kept or tried again
at jamhook_disable_after







=== TEST 43: in an included file
--- user_files
>>> retry.conf
# try again

jamhook_retry 1s;
--- config
    include ../html/retry.conf;
--- refused
"jamhook_retry" needs "jamhook_store": without a store nothing is kept or tried again
at retry.conf: jamhook_retry







=== TEST 44: the store may come after what needs it
--- http_config
    jamhook_retry 1s;
    jamhook_disable_after 1d;
    jamhook_store sqlite:conf/store;
--- warned







=== TEST 45: jamhook_final needs none
--- http_config
    jamhook_final 404;
--- warned







=== TEST 46: several endpoints with a store: nobody is made to repeat
--- http_config
    jamhook_store sqlite:conf/store;
--- config
    $TEST_NGINX_FIN
    location = /audit { jamhook_endpoint audit; jamhook_sign off; proxy_pass http://127.0.0.1; }
    location = /jam { jamhook_verify keys/P1.key; jamhook_pass fin audit; }
--- warned
