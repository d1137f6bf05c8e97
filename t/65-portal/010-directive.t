# jamhook_portal: what it takes, and where it may stand.
# modes: plain san palloc

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;
use Jamhook::Store;

run_tests();

__DATA__

=== TEST 1: it stands alone
--- store
--- config
    location /jamhook/ { jamhook_portal; }
--- warned







=== TEST 2: with both parameters
--- store
--- config
    location /jamhook/ {
        jamhook_portal open conversation_url=https://app.intercom.com/x/;
    }
--- warned







=== TEST 3: in any order, in a "^~" location
--- store
--- config
    location ^~ /a/b/ { jamhook_portal conversation_url=http://h open; }
--- warned







=== TEST 4: in blocks of a location
--- store
--- config
    location /jamhook/ {
        jamhook_portal;
        if ($arg_x) { set $y 1; }
        limit_except GET { deny all; }
    }
    location /other/ {
        if ($arg_x) { jamhook_portal; }
    }
--- warned







=== TEST 5: it needs a store
--- config
    location /jamhook/ { jamhook_portal; }
--- refused
"jamhook_portal" needs "jamhook_store": without a store nothing is kept or tried again
at jamhook_portal;







=== TEST 6: an unknown parameter
--- store
--- config
    location /jamhook/ { jamhook_portal closed; }
--- refused
invalid value "closed" in "jamhook_portal": the parameters are "open" and "conversation_url=" with a URL
at jamhook_portal closed;







=== TEST 7: too many parameters
--- store
--- config
    location /jamhook/ { jamhook_portal open open open; }
--- refused
invalid number of arguments in "jamhook_portal" directive
at jamhook_portal open







=== TEST 8: "open" twice
--- store
--- config
    location /jamhook/ { jamhook_portal open open; }
--- refused
invalid value "open" in "jamhook_portal": it stands there twice
at jamhook_portal open







=== TEST 9: "conversation_url" twice
--- store
--- config
    location /jamhook/ {
        jamhook_portal conversation_url=http://a conversation_url=http://b;
    }
--- refused
invalid value "conversation_url=http://b" in "jamhook_portal": it stands there twice
at jamhook_portal conv







=== TEST 10: an empty URL
--- store
--- config
    location /jamhook/ { jamhook_portal conversation_url=; }
--- refused
invalid value "conversation_url=" in "jamhook_portal": give what stands before a conversation's id in your inbox, such as "conversation_url=https://app.intercom.com/a/inbox/abc/inbox/conversation/"
at jamhook_portal conv







=== TEST 11: a URL of another scheme
--- store
--- config
    location /jamhook/ { jamhook_portal conversation_url=javascript:alert(1); }
--- refused
invalid value "conversation_url=javascript:alert(1)" in "jamhook_portal": give what stands before a conversation's id in your inbox, such as "conversation_url=https://app.intercom.com/a/inbox/abc/inbox/conversation/"
at jamhook_portal conv







=== TEST 12: a relative URL
--- store
--- config
    location /jamhook/ { jamhook_portal conversation_url=/inbox/; }
--- refused
invalid value "conversation_url=/inbox/" in "jamhook_portal": give what stands before a conversation's id in your inbox, such as "conversation_url=https://app.intercom.com/a/inbox/abc/inbox/conversation/"
at jamhook_portal conv







=== TEST 13: a URL without a host
--- store
--- config
    location /jamhook/ { jamhook_portal conversation_url=https://; }
--- refused
invalid value "conversation_url=https://" in "jamhook_portal": give what stands before a conversation's id in your inbox, such as "conversation_url=https://app.intercom.com/a/inbox/abc/inbox/conversation/"
at jamhook_portal conv







=== TEST 14: a URL with a space
--- store
--- config
    location /jamhook/ { jamhook_portal "conversation_url=http://a b"; }
--- refused
invalid value "conversation_url=http://a b" in "jamhook_portal": give what stands before a conversation's id in your inbox, such as "conversation_url=https://app.intercom.com/a/inbox/abc/inbox/conversation/"
at jamhook_portal "conv







=== TEST 15: twice in a location
--- store
--- config
    location /jamhook/ {
        jamhook_portal;
        jamhook_portal open;
    }
--- refused
"jamhook_portal" directive is duplicate
at jamhook_portal open;







=== TEST 16: a name without a slash at its end
--- store
--- config
    location /jamhook { jamhook_portal; }
--- refused
"jamhook_portal" stands in the location "/jamhook": use a prefix one whose name ends in "/", such as "location /jamhook/"
at jamhook_portal;







=== TEST 17: an exact location
--- store
--- config
    location = /jamhook/ { jamhook_portal; }
--- refused
"jamhook_portal" stands in the location "/jamhook/": use a prefix one whose name ends in "/", such as "location /jamhook/"
at jamhook_portal;







=== TEST 18: a location with a regular expression
--- store
--- config
    location ~ /jamhook/ { jamhook_portal; }
--- refused
"jamhook_portal" stands in the location "/jamhook/": use a prefix one whose name ends in "/", such as "location /jamhook/"
at jamhook_portal;







=== TEST 19: a named location
--- store
--- config
    location @jamhook/ { jamhook_portal; }
--- refused
"jamhook_portal" stands in the location "@jamhook/": use a prefix one whose name ends in "/", such as "location /jamhook/"
at jamhook_portal;







=== TEST 20: a server
--- store
--- config
    jamhook_portal;
--- refused
"jamhook_portal" directive is not allowed here
at jamhook_portal;







=== TEST 21: beside proxy_pass
--- store
--- config
    location /jamhook/ {
        proxy_pass http://127.0.0.1:1/;
        jamhook_portal;
    }
--- refused
"jamhook_portal" stands beside another content handler, such as "proxy_pass": give each a location of its own
at jamhook_portal;







=== TEST 22: before proxy_pass
--- store
--- config
    location /jamhook/ {
        jamhook_portal;
        proxy_pass http://127.0.0.1:1/;
    }
--- refused
"jamhook_portal" stands beside another content handler, such as "proxy_pass": give each a location of its own
at jamhook_portal;







=== TEST 23: with jamhook_pass
--- store
--- config
$TEST_NGINX_FIN
    location /jamhook/ {
        jamhook_pass fin;
        jamhook_verify off;
        jamhook_portal;
    }
--- refused
"jamhook_portal" and "jamhook_pass" stand in one location: give each a location of its own
at jamhook_portal;







=== TEST 24: before jamhook_pass
--- store
--- config
$TEST_NGINX_FIN
    location /jamhook/ {
        jamhook_portal;
        jamhook_pass fin;
        jamhook_verify off;
    }
--- refused
"jamhook_pass" and "jamhook_portal" stand in one location: give each a location of its own
at jamhook_pass fin;







=== TEST 25: in an endpoint's location
--- store
--- config
    location /jamhook/ {
        jamhook_portal;
        jamhook_endpoint x;
        jamhook_sign off;
    }
--- refused
"jamhook_endpoint" and "jamhook_portal" stand in one location: give each a location of its own
at jamhook_endpoint x;







=== TEST 26: in an "if" of an endpoint's location
--- store
--- config
    location /x/ {
        jamhook_endpoint x;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:1;
        if ($arg_x) {
            jamhook_portal;
        }
    }
--- refused
"jamhook_portal" and "jamhook_endpoint" stand in one location: give each a location of its own
at jamhook_portal;







=== TEST 27: with jamhook_metrics
--- store
--- config
    location /jamhook/ {
        jamhook_metrics;
        jamhook_portal;
    }
--- refused
"jamhook_portal" and "jamhook_metrics" stand in one location: give each a location of its own
at jamhook_portal;
