package Jamhook;

# Test::Nginx blocks for jamhook.
#
#   use lib 't/lib';
#   use Jamhook;
#   run_tests();
#   __DATA__
#   === TEST 1: ...
#
# Every block fails on [alert], [crit] and [emerg] in error.log, on what
# sanitizers and valgrind say, and on leaked connections: nginx is stopped by
# QUIT after each block (with TEST_NGINX_USE_HUP=1 after the last), and the
# whole log is read then.
#
# Files for the configuration: keys/P1.key, P2, P3, S1, S2, P4_secret,
# P4_public, both (P1 and P2). In --- config and --- http_config:
#
#   $TEST_NGINX_TARGET_PORT     the target (see Jamhook::Target)
#   $TEST_NGINX_REFUSED_PORT    nobody listens there
#   $TEST_NGINX_CRT, $TEST_NGINX_CRT_KEY    a certificate for localhost
#   $TEST_NGINX_SERVER_PORT     this nginx
#
# Sections, besides those of Test::Nginx::Socket ("~" before a line of a list
# makes it a regular expression):
#
# --- event             the body of a signed event that is sent; without the
#                       last newline. "event eval" for anything else.
# --- event_with        words: uri=/jam method=POST key=P1 (or P1+P2) id=msg_1
#                       at=1614265330 ts=-301 family=svix|webhook signature=...
#                       type=application/json chunked=7 packets=7 split=80ms
#                       "Name: value" (a header more), without=svix-id
# --- answer            401 signature_missing: the answer's status and its
#                       "code" or "result", with the right Content-Type
# --- target            what the target is told
# --- target_count      how many requests reached it
# --- target_requests   each of them, in any order: POST /fin/1 [body]
# --- target_like       a line each: some request, as text, matches
# --- target_unlike     a line each: none does
# --- target_headers    a line each, of every request: "name: value", "name:"
#                       (any value), "!name" (none)
# --- target_signed     keys, and the family after them: S1+S2 webhook
# --- target_check      eval: code, or a sub that gets the requests
# --- log               a line each: in error.log when all is over; polled for
# --- no_log            a line each: not there
# --- expected          a line each: alerts that are meant to be there
# --- wait_for          eval: a sub that is polled before nginx is stopped
# --- keys              >>> name [mode], lines: more files in conf/keys

use strict;
use warnings;

use Text::ParseWords qw(shellwords);
use Time::HiRes qw(time sleep);

use Jamhook::Env;
use Jamhook::Sign;
use Jamhook::Target;

my ($target, $started, $ran, $stopped);
my %workers;        # that the last block left


BEGIN {
    Jamhook::Env::tmp();

    $ENV{TEST_NGINX_SERVROOT} = "$Jamhook::Env::TMP/servroot";
    $ENV{TEST_NGINX_BINARY} = $Jamhook::Env::NGINX;
    $ENV{TEST_NGINX_LOAD_MODULES} = $Jamhook::Env::MODULE;
    $ENV{TEST_NGINX_MASTER_PROCESS} = 'on';
    $ENV{TEST_NGINX_NO_SHUFFLE} = 1;
    $ENV{TEST_NGINX_LOG_LEVEL} ||= 'info';
    $ENV{TEST_NGINX_TIMEOUT} ||= 10 * $Jamhook::Env::PATIENCE;
    $ENV{TEST_NGINX_PORT} = Jamhook::Env::free_port();
    $ENV{TEST_NGINX_REFUSED_PORT} = Jamhook::Env::refused_port();

    delete @ENV{qw(TEST_NGINX_RANDOMIZE TEST_NGINX_SERVER_PORT
                   TEST_NGINX_CLIENT_PORT TEST_NGINX_USE_VALGRIND)};

    @ENV{qw(TEST_NGINX_CRT TEST_NGINX_CRT_KEY)} = Jamhook::Env::certificate();
}


sub import {
    strict->import;
    warnings->import;

    return if $started++;

    # the blocks stand in the file that runs
    eval q{
        package main;
        use Test::Nginx::Socket 'no_plan';
        no warnings 'redefine';
        *main::run_tests = \&Jamhook::run_tests;
        1;
    } or die $@;

    no warnings qw(redefine once);

    # one block that cannot be tried is no reason to drop the whole run
    my $run_test = \&Test::Nginx::Util::run_test;

    *Test::Nginx::Util::run_test = sub ($) {
        my $block = shift;

        $ran = eval { $run_test->($block); 1 }
            or Test::More::fail($block->name . " - $@");

        # it took half a minute to find out, and will at the next block
        die $@ if !$ran && $@ =~ /Cannot start nginx/;
    };

    for my $package ('Test::Nginx::Util', 'Test::Nginx::Socket') {
        no strict 'refs';
        *{"${package}::bail_out"} = sub (@) { die join '', @_, "\n" };
    }

    # else Test::Nginx tries for half a minute to reach it
    my $send_request = \&Test::Nginx::Socket::send_request;

    *Test::Nginx::Socket::send_request = sub ($$$$@) {
        my $pidfile = "$ENV{TEST_NGINX_SERVROOT}/logs/nginx.pid";

        Jamhook::Env::wait_for(sub {
            my $pid = Jamhook::Env::slurp($pidfile);
            $pid =~ /^\d+$/ && Jamhook::Env::is_running($pid);
        }, 3 * $Jamhook::Env::PATIENCE) or die "nginx is gone";

        goto &$send_request;
    };

    # or to start it
    my $write_config_file = \&Test::Nginx::Util::write_config_file;

    *Test::Nginx::Util::write_config_file = sub ($$$) {
        my ($block) = @_;

        &$write_config_file;

        # "http2 on;" is what Test::Nginx writes, before nginx knew it
        if ($Test::Nginx::Util::NginxVersion < 1.025001) {
            my $conf = "$ENV{TEST_NGINX_SERVROOT}/conf/nginx.conf";
            my $text = Jamhook::Env::slurp($conf);

            if ($text =~ s/^(\s*listen\s+\d+[^;]*);[ ]?http2 on;/$1 http2;/mg) {
                Jamhook::Env::write_file($conf, $text);
            }
        }

        return if defined $block->must_die || defined $block->reload_fails
                  || $Jamhook::Env::UNDER;

        my $root = $ENV{TEST_NGINX_SERVROOT};
        my $said = `$Jamhook::Env::NGINX -t -q -e stderr -p $root/ \\
                    -c $root/conf/nginx.conf 2>&1`;

        die "nginx -t:\n$said" if $?;
    };

    # a reload is over when the workers are others; instead of 20 calls of curl
    *Test::Nginx::Util::test_config_version = sub ($$) {
        my ($name) = @_;

        Jamhook::Env::wait_for(sub {
            my @now = workers();
            @now == $Test::Nginx::Util::Workers && !grep { $workers{$_} } @now;
        }, 10 * $Jamhook::Env::PATIENCE) or die "the reload did not come";
    };

    Test::Nginx::Util::add_block_preprocessor(\&prepare);
    Test::Nginx::Util::add_test_cleanup_handler(\&finish);
}


sub run_tests () {
    # we say so ourselves, as a failure
    local $SIG{__WARN__} = sub {
        warn @_ unless $_[0] =~ /^WARNING: .*\[(?:alert|crit|emerg)\]/;
    };

    Test::Nginx::Util::run_tests();

    if (!$stopped) {
        my @faults = stop();
        report("$0 - nginx ends well after all reloads", @faults);
    }
}


sub report {
    my ($name, @faults) = @_;

    Test::More::ok(!@faults, $name) or Test::More::diag(map { "  $_\n" }
                                    @faults > 20 ? @faults[0 .. 19] : @faults);
}


sub lines {
    my ($section) = @_;

    return () unless defined $section;
    return map { ref $_ ? $_ : "$_" } @$section if ref $section eq 'ARRAY';
    return $section if ref $section;
    return grep { length } map { s/^\s+|\s+$//gr } split /\n/, $section;
}


# before a block

sub prepare {
    my ($block) = @_;

    undef $target;

    my $text = join "\n", map { defined $_ ? $_ : '' }
               $block->config, $block->http_config, $block->main_config,
               $block->post_main_config, $block->user_files, $block->target;

    if ($text =~ /TARGET_PORT/ || defined $block->target) {
        $target = Jamhook::Target->new($block->target);
        $ENV{TEST_NGINX_TARGET_PORT} = $target->port;
    }

    our $keys = $block->keys;
    $block->set_value('post_setup_server_root',
                      'Jamhook::write_keys();'
                      . ($block->post_setup_server_root || ''));

    # what it says there stands in error.log too
    $block->set_value('suppress_stderr', 1);

    if (defined $block->event) {
        my $request = request($block);

        if (defined $block->http2) {
            # that is sent by curl, from the parts
            my ($line, $headers, $body) =
                $request =~ /\A(\S+ \S+)[^\n]*\n(.*?)\r\n\r\n(.*)\z/s;

            $block->set_value('request', "$line\n$body");
            $block->set_value('more_headers', join "\n",
                              grep { !/^(?:Host|Connection|Content-Length):/ }
                              split /\r\n/, $headers);

        } else {
            $block->set_value('raw_request', $request);
        }
    }

    if (defined $block->answer) {
        my ($status, $word) = split ' ', $block->answer;
        my $member = $status =~ /^2/ ? 'result' : 'code';

        $block->set_value('error_code', $status)
            unless defined $block->error_code;

        if (defined $word) {
            my $like = $block->response_body_like;
            $like = defined $like ? qr/(?=.*(?:@{[ $like =~ s|\n\z||r ]}))/s
                                  : '';

            $block->set_value('response_body_like',
                        qr/\A$like\{.*"$member":"\Q$word\E".*\}\s*\z/s);
            $block->set_value('response_headers', "Content-Type: application/"
                              . ($status =~ /^2/ ? 'json' : 'problem+json')
                              . "\n" . ($block->response_headers || ''));
        }
    }
}


sub write_keys {
    our $keys;

    my $dir = "$ENV{TEST_NGINX_SERVROOT}/conf/keys";

    Jamhook::Env::write_keys($dir);

    for (split /^(?=>>> )/m, defined $keys ? $keys : '') {
        my ($name, $mode, $text) = /^>>> (\S+)[ \t]*(\d*)\n(.*)\z/s or next;
        Jamhook::Env::write_file("$dir/$name", $text,
                                 length $mode ? oct $mode : 0600);
    }
}


# --- event and --- event_with as a whole request

sub request {
    my ($block) = @_;

    my $body = $block->event;
    $body =~ s/\n\z// if !ref $body;

    return event(body => $body, with => scalar $block->event_with);
}


# The bytes of a request: body, with (the words of --- event_with), or what the
# words say as arguments: event(body => ..., key => 'P1+P2', ts => -301).
sub event {
    my (%e) = @_;

    my (@headers, %without);

    my $with = defined $e{with} ? $e{with} : '';
    my @words = shellwords($with);

    die "event_with: its quotes do not match\n" if $with =~ /\S/ && !@words;

    for my $word (@words) {
        if ($word =~ /^without=(.*)$/) {
            $without{lc $1} = 1;

        } elsif ($word =~ /^([a-z]+)=(.*)$/s) {
            $e{$1} = $2;

        } elsif ($word =~ /^([^:\s]+):\s*(.*)$/s) {
            push @headers, [$1, $2];

        } else {
            die "event_with: what is \"$word\"?\n";
        }
    }

    push @headers, @{ $e{headers} || [] };

    my $body = defined $e{body} ? $e{body} : '';
    my $timestamp = defined $e{at} ? $e{at} : time;
    $timestamp = int $timestamp if $timestamp =~ /^\d+\.\d+$/;
    $timestamp += $e{ts} if defined $e{ts};

    unless (($e{key} || '') eq 'none') {
        unshift @headers, Jamhook::Sign::headers(%e, body => $body,
                                                 timestamp => $timestamp);
    }

    my %given = map { lc $_->[0] => 1 } @headers;

    unshift @headers, ['Content-Type', defined $e{type} ? $e{type}
                                       : 'application/json']
        unless $given{'content-type'};
    unshift @headers, ['Host', 'localhost'] unless $given{host};
    push @headers, ['Connection', 'close'] unless $given{connection};

    if ($e{chunked}) {
        push @headers, ['Transfer-Encoding', 'chunked'];
        $body = join '', map({ sprintf "%x\r\n%s\r\n", length $_, $_ }
                             unpack "(a$e{chunked})*", $body), "0\r\n\r\n";

    } elsif (!$given{'content-length'}) {
        push @headers, ['Content-Length', length $body];
    }

    my $head = join '', ($e{method} || 'POST') . " " . ($e{uri} || '/jam')
                        . " HTTP/1.1\r\n",
                    map({ "$_->[0]: $_->[1]\r\n" }
                        grep { !$without{lc $_->[0]} } @headers), "\r\n";

    if ($e{packets}) {
        # the body in so many pieces, with a pause before each
        my $size = int(length($body) / $e{packets}) || 1;
        return [$head, unpack "(a$size)*", $body];
    }

    return $head . $body;
}


# after a block

sub stop {
    my (@expected) = @_;

    my $pidfile = "$ENV{TEST_NGINX_SERVROOT}/logs/nginx.pid";
    my $pid = Jamhook::Env::slurp($pidfile);
    my @faults;

    if ($pid =~ /^\d+$/ && Jamhook::Env::is_running($pid)) {
        Jamhook::Env::stop_nginx($pid)
            or push @faults, "it did not end by QUIT and was killed";
    }

    unlink $pidfile;

    return @faults, Jamhook::Env::faults([log_lines()], @expected);
}


# the workers that take connections
sub workers {
    my $pid = Jamhook::Env::slurp("$ENV{TEST_NGINX_SERVROOT}/logs/nginx.pid");

    return unless $pid =~ /^\d+$/;
    return Jamhook::Env::workers($pid,
                                 "$ENV{TEST_NGINX_SERVROOT}/logs/error.log");
}


sub log_lines {
    return split /\n/,
           Jamhook::Env::slurp("$ENV{TEST_NGINX_SERVROOT}/logs/error.log");
}


sub finish {
    my ($block) = @_;

    my $name = $block->name;
    my (@requests, @faults);

    if ($target && $ran) {
        my $count = $block->target_count;
        my @list = lines($block->target_requests);

        $count = @list if !defined $count && @list;
        $target->wait($count) if defined $count;
    }

    if (defined $block->log && $ran) {
        my @patterns = lines($block->log);

        Jamhook::Env::wait_for(sub {
            my @log = log_lines();
            !grep { my $p = $_; !grep { Jamhook::Env::matches($_, $p) } @log }
                  @patterns;
        });
    }

    if (defined $block->wait_for) {
        Test::More::ok(Jamhook::Env::wait_for(sub { $block->wait_for->() }),
                       "$name - what it waits for comes");
    }

    # deliveries that a target keeps waiting end here
    $target->stop if $target;

    $stopped = !$Jamhook::Env::HUP || defined $block->must_die;

    if ($stopped) {
        my @expected = lines($block->expected);
        push @expected, '[emerg]' if defined $block->must_die;

        @faults = stop(@expected);

        for my $pattern (lines($block->expected)) {
            push @faults, "expected and not there: $pattern"
                unless grep { Jamhook::Env::matches($_, $pattern) } log_lines();
        }

    } else {
        %workers = map { $_ => 1 } workers();
        @faults = Jamhook::Env::faults([log_lines()], lines($block->expected));
    }

    # a finding belongs to one block
    rename $_, s/under/found/r for glob "$Jamhook::Env::TMP/under.*";

    check_log($block);
    check_target($block) if $target;

    report("$name - nginx is well", @faults);
}


sub check_log {
    my ($block) = @_;

    my $name = $block->name;
    my @log = log_lines();

    for my $pattern (lines($block->log)) {
        Test::More::ok(scalar(grep { Jamhook::Env::matches($_, $pattern) }
                              @log),
                       "$name - log: $pattern")
            or Test::More::diag(join "\n", @log > 20 ? @log[-20 .. -1]
                                                         : @log);
    }

    for my $pattern (lines($block->no_log)) {
        my @found = grep { Jamhook::Env::matches($_, $pattern) } @log;

        report("$name - no_log: $pattern", @found);
    }
}


sub check_target {
    my ($block) = @_;

    my $name = $block->name;
    my @requests = $target->requests;
    my @texts = map { Jamhook::Target::text($_) } @requests;
    my $all = join "\n----\n", @texts;

    if (defined $block->target_count) {
        Test::More::is(scalar @requests, $block->target_count + 0,
                       "$name - target_count")
            or Test::More::diag($all);
    }

    if (defined(my $expected = $block->target_requests)) {
        my @left = @requests;
        my @faults;

        for my $line (lines($expected)) {
            my ($method, $path, $body) = split / /, $line, 3;
            my ($i) = grep {
                my $r = $left[$_];
                "$r->{method} $r->{path}" eq "$method $path"
                    && (!defined $body || $body eq $r->{body});
            } 0 .. $#left;

            if (defined $i) {
                splice @left, $i, 1;

            } else {
                push @faults, "not received: $line";
            }
        }

        push @faults, map { "received:     $_->{method} $_->{path} $_->{body}" }
                      @left;
        report("$name - target_requests", @faults);
    }

    for my $pattern (lines($block->target_like)) {
        my $re = ref $pattern ? $pattern : qr/$pattern/ms;
        Test::More::ok(scalar(grep { $_ =~ $re } @texts),
                       "$name - target_like: $pattern")
            or Test::More::diag($all);
    }

    for my $pattern (lines($block->target_unlike)) {
        my $re = ref $pattern ? $pattern : qr/$pattern/ms;
        Test::More::ok(!(grep { $_ =~ $re } @texts),
                       "$name - target_unlike: $pattern")
            or Test::More::diag($all);
    }

    if (defined $block->target_headers) {
        my @faults = @requests ? () : 'no request came';

        for my $line (lines($block->target_headers)) {
            for my $request (@requests) {
                my ($not, $key, $value) =
                    $line =~ /^(!?)([^:\s]+)(?::\s*(.*))?$/;
                my @have = Jamhook::Target::header($request, $key);

                if ($not) {
                    push @faults, "$key: $have[0]" if @have;

                } elsif (@have != 1) {
                    push @faults, "$key comes " . @have . " times";

                } elsif (length $value
                         && ($value =~ /^~\s*(.*)/ ? $have[0] !~ /$1/
                                                   : $have[0] ne $value))
                {
                    push @faults, "$key: $have[0]";
                }
            }
        }

        report("$name - target_headers", @faults);
    }

    if (defined $block->target_signed) {
        my ($keys, $family) = split ' ', $block->target_signed;
        my @faults = @requests ? () : 'no request came';

        for my $request (@requests) {
            my $fault = Jamhook::Sign::fault($request, $family || 'webhook',
                                             split /\+/, $keys);
            push @faults, $fault if defined $fault;
        }

        report("$name - target_signed", @faults);
    }

    if (defined(my $check = $block->target_check)) {
        if (ref $check eq 'CODE') {
            $check->(@requests);

        } else {
            eval "package main; $check; 1"
                or Test::More::fail("$name - target_check: $@");
        }
    }
}


# for eval sections: the target of the block that runs
sub target { return $target }


1;
