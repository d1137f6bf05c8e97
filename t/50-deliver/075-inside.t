# An endpoint's location that leads to another place of this nginx: what is
# answered there is not the target's answer.

use lib 't/lib';
use Jamhook;

add_block_preprocessor(sub {
    my ($block) = @_;

    my $rule = $block->rule;

    $block->set_value('config', qq{
        location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
        location = /none { jamhook_pass other; jamhook_verify off;
                           jamhook_event_type nobody.wants; }
        location = /other {
            jamhook_endpoint other;
            jamhook_events some.type;
            jamhook_sign off;
            proxy_pass http://127.0.0.1:\$TEST_NGINX_TARGET_PORT/other;
        }
        location = /plain { return 200 fine; }
        location = /e {
            jamhook_endpoint e;
            jamhook_sign off;
            $rule
            proxy_pass http://127.0.0.1:\$TEST_NGINX_TARGET_PORT/e;
        }
    });

    $block->set_value('target', '200');
    $block->set_value('target_count', '0');
    $block->set_value('answer', '502 delivery_failed');
    $block->set_value('log', 'jamhook delivery failed: answered by nginx');
    $block->set_value('event', '{"a":1}');
});

run_tests();

__DATA__

=== TEST 1: a rewrite into an ingest location, which says 200 itself
--- rule: rewrite ^ /none last;


=== TEST 2: try_files into an ingest location
--- rule: try_files /nowhere /none;


=== TEST 3: a rewrite into a plain location
--- rule: rewrite ^ /plain last;


=== TEST 4: a rewrite into another endpoint's location
--- rule: rewrite ^ /other last;


=== TEST 5: a rewrite in circles
--- rule: rewrite ^ /e last;
