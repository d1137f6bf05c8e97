# The harness itself: what must fail a test does.

use strict;
use warnings;

use lib 't/lib';
use Jamhook::Env;
use File::Path qw(make_path remove_tree);
use Test::More;

my $dir = 'build/harness';

remove_tree($dir);
make_path($dir);

my $serial = 0;

sub run_blocks {
    my ($blocks, %env) = @_;

    my $file = "$dir/" . ++$serial . '.t';

    open my $fh, '>', $file or die $!;
    print $fh "use lib 't/lib';\nuse Jamhook;\nrun_tests();\n__DATA__\n",
              $blocks =~ s/^    //mgr;
    close $fh;

    local %ENV = (%ENV, %env);
    my $said = `$^X $file 2>&1`;

    return ($?, $said);
}

sub run_script {
    my ($code) = @_;

    my $file = "$dir/" . ++$serial . '.t';

    open my $fh, '>', $file or die $!;
    print $fh "use lib 't/lib';\nuse Test::More;\nuse Jamhook::Nginx;\n",
              "$code\ndone_testing;\n";
    close $fh;

    my $said = `$^X $file 2>&1`;

    return ($?, $said);
}

my $proxy = <<'END';
    === TEST 1: a block
    --- config
    location = /jam { proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT/x; }
    location = /no { return 204; }
    --- event
    {"a":1}
END

my ($status, $said) = run_blocks($proxy . <<'END');
    --- target
    /x 200 "X-A: b" body={}
    --- target_requests
    POST /x {"a":1}
    --- target_signed: P1 svix
    --- target_headers
    svix-id: ~ ^msg_
    content-type: application/json
    !x-unknown
    --- target_like
    ^POST /x$
    --- target_unlike
    ^GET
    --- target_count: 1
    --- no_log
    [error]
END

is $status, 0, 'a good block passes' or diag $said;

for my $case (
    ['target_requests', 'POST /x {"a":2}'],
    ['target_requests', ''],
    ['target_signed', 'P2 svix'],
    ['target_signed', 'P1 webhook'],
    ['target_signed', 'P1+P2 svix'],
    ['target_headers', '!svix-id'],
    ['target_headers', 'content-type: text/plain'],
    ['target_headers', 'x-missing:'],
    ['target_like', '^PUT'],
    ['target_unlike', '^POST'],
    ['target_count', '0'],
    ['no_log', '~ \[info\]|\[notice\]'],
    ['expected', '[alert]'],
    ['answer', '400'],
) {
    my ($section, $text) = @$case;

    ($status, $said) = run_blocks($proxy
        . "    --- target\n    200\n    --- $section\n    $text\n");

    isnt $status, 0, "$section: $text" or diag $said;
    like $said, qr/^not ok/m, '... says so';
}

# an alert of the master, and one that is expected

my $kill = <<'END';
    --- wait_for eval
    my $done = 0;
    sub {
        my $master = Jamhook::Env::slurp("$ENV{TEST_NGINX_SERVROOT}"
                                         . "/logs/nginx.pid");
        $done++ or kill 'KILL', Jamhook::Env::children($master);
        return grep { /exited on signal 9/ } Jamhook::log_lines();
    }
END

($status, $said) = run_blocks("$proxy    --- target\n    200\n$kill");
isnt $status, 0, 'an alert fails the block';
like $said, qr/exited on signal 9/, 'and is shown';

($status, $said) = run_blocks("$proxy    --- target\n    200\n$kill"
                              . "    --- expected\n    exited on signal 9\n");
is $status, 0, 'unless it is expected' or diag $said;

($status, $said) = run_blocks("$proxy    --- target\n    200\n$kill",
                              TEST_NGINX_USE_HUP => 1);
isnt $status, 0, 'with HUP as well';

# a configuration that nginx refuses neither waits nor ends the others

my $start = time;

($status, $said) = run_blocks(<<'END' . $proxy);
    === TEST 0: refused
    --- config
    no_such_directive on;
    --- request
    GET /
END

isnt $status, 0, 'a refused configuration fails';
like $said, qr/unknown directive "no_such_directive"/, 'says why';
like $said, qr/^ok \d+ - .*TEST 1/m, 'and the next block goes on';
cmp_ok time - $start, '<', 25, 'without a long wait';

# scripts

($status, $said) = run_script(<<'END');
my $target = Jamhook::Target->new('200 | 503 "Retry-After: 7"');
my $nginx = Jamhook::Nginx->new(workers => 2, target => $target->port,
    server => 'location / { proxy_pass http://127.0.0.1:%{target}; }');
is $nginx->get('/')->{status}, 200;
is $nginx->get('/')->{headers}{'retry-after'}, 7;
is $nginx->workers, 2;
ok $nginx->reload(workers => 1);
is $nginx->workers, 1;
is $target->wait(2), 2;
$nginx->ends_well;
END

is $status, 0, 'a script' or diag $said;

($status, $said) = run_script(<<'END');
my $nginx = Jamhook::Nginx->new(server => 'return 204;');
$nginx->signal('KILL', $nginx->workers);
$nginx->wait_log('exited on signal 9');
$nginx->ends_well;
END

isnt $status, 0, 'an alert fails a script';

# what the sanitizers find

($status, $said) = run_script(<<'END');
my $nginx = Jamhook::Nginx->new(server => 'return 204;');
Jamhook::Env::write_file("$Jamhook::Env::TMP/under.1",
    "==7==ERROR: LeakSanitizer: detected memory leaks\n\n"
    . "Direct leak of 8 byte(s) in 1 object(s) allocated from:\n"
    . "    #0 0x1 in malloc\n    #1 0x2 in ngx_http_jamhook_x\n\n"
    . "SUMMARY: AddressSanitizer: 8 byte(s) leaked in 1 allocation(s).\n");
$nginx->ends_well;
END

isnt $status, 0, 'a leak with our name in it fails';
like $said, qr/ngx_http_jamhook_x/, 'and is shown';

# nothing is left running

sub left {
    return grep { index(Jamhook_cmdline($_), "$dir/") >= 0
                  || index(Jamhook_cmdline($_), 'build/t/..-build-harness') >= 0 }
           map { m{(\d+)} } glob '/proc/[0-9]*';
}

sub Jamhook_cmdline {
    open my $fh, '<', "/proc/$_[0]/cmdline" or return '';
    local $/;
    return scalar(<$fh>) || '';
}

my @left;
Jamhook::Env::wait_for(sub { !(@left = left()) });
is scalar @left, 0, 'no process stays' or diag "@left";

done_testing;
