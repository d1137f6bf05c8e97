package Jamhook::Conf;

# More sections for blocks, about what nginx says when it reads its
# configuration and about access logs:
#
#   use Jamhook;
#   use Jamhook::Conf;
#
# --- refused           nginx must not start. The first line is in its one
#                       message at emerg; a second one, "at TEXT", says that
#                       the message names the file and line of the one line of
#                       nginx.conf where TEXT stands; "at FILE: TEXT" of html/
#                       FILE (see --- user_files).
# --- warned            a line for each warning that is given, and there is no
#                       other: TEXT, or TEXT at PLACE as above (after the last " at ").
#                       Empty: no warning at all.
# --- access            a line each: in access.log; polled for
# --- no_access         a line each: not there
#
# "~" before a line makes it a regular expression. With refused and warned no
# message may hold any part of a key.
#
#   Jamhook::Conf::config('...');     the --- config of blocks that have none
#   Jamhook::Conf::fingerprint('P1')  what $jamhook_key shows for it
#
# In a configuration, for what a block is not about: $TEST_NGINX_JAM, an ingest
# location "= /jam" that passes to "fin", and $TEST_NGINX_FIN, that endpoint.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use MIME::Base64 qw(decode_base64);

use Jamhook ();
use Jamhook::Env;
use Jamhook::Sign;


my $config;


BEGIN {
    $ENV{TEST_NGINX_JAM} = q{
    location = /jam {
        jamhook_pass    fin;
        jamhook_verify  keys/P1.key;
    }
};
    $ENV{TEST_NGINX_FIN} = qq{
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass         http://127.0.0.1:$ENV{TEST_NGINX_REFUSED_PORT}/x;
    }
};
}


sub config { ($config) = @_ }


# SHA-256 over "jamhook:" and the secret, or the public key.
sub fingerprint {
    my ($kind, $bytes) = Jamhook::Sign::key($_[0]) =~ /^wh(\w+?)_(.*)/;

    $bytes = decode_base64($bytes);
    $bytes = substr $bytes, 32 if $kind eq 'sk';

    return substr sha256_hex("jamhook:$bytes"), 0, 8;
}


sub import {
    Test::Nginx::Util::add_block_preprocessor(\&prepare);
    Test::Nginx::Util::add_test_cleanup_handler(\&finish);
}


sub prepare {
    my ($block) = @_;

    $block->set_value('config', $config)
        if defined $config && !defined $block->config;

    if (defined $block->refused) {
        $block->set_value('must_die', '');
    }

    # it is in error.log too
    $block->set_value('suppress_stderr', 1);

    # a block without a request is one that starts
    if (!defined $block->refused && !defined $block->event
        && !defined $block->request && !defined $block->raw_request)
    {
        $block->set_value('request', 'GET /');
    }
}


# Before Jamhook::finish: nginx still runs.
sub finish {
    my ($block) = @_;

    my $name = $block->name;

    if (defined $block->refused) {
        my ($text, $place) = Jamhook::lines($block->refused);
        my @said = grep { /\[emerg\]/ } Jamhook::log_lines();

        Test::More::is(scalar @said, 1, "$name - one message")
            or Test::More::diag(join "\n", @said);
        check_message($name, $text, $place, @said);
        check_keys($block);
    }

    if (defined $block->warned) {
        my @said = grep { /\[warn\]/ } Jamhook::log_lines();
        my @expected = Jamhook::lines($block->warned);

        for my $line (@expected) {
            my ($text, $place) = $line =~ /^(.*) (at .*)$/;
            $text = $line unless defined $text;
            check_message($name, $text, $place, @said);
        }

        Jamhook::report("$name - as many warnings", @said)
            if @said != @expected;
        Test::More::pass("$name - as many warnings") if @said == @expected;
        check_keys($block);
    }

    my $file = "$ENV{TEST_NGINX_SERVROOT}/logs/access.log";
    my @patterns = Jamhook::lines($block->access);

    if (@patterns) {
        my @missing;

        Jamhook::Env::wait_for(sub {
            my @log = split /\n/, Jamhook::Env::slurp($file);

            @missing = grep { my $p = $_;
                              !grep { Jamhook::Env::matches($_, $p) } @log }
                       @patterns;
            !@missing;
        });

        Jamhook::report("$name - access.log", map({ "missing: $_" } @missing),
                        @missing ? Jamhook::Env::slurp($file) : ());
    }

    for my $pattern (Jamhook::lines($block->no_access)) {
        Jamhook::report("$name - no_access: $pattern",
                        grep { Jamhook::Env::matches($_, $pattern) }
                        split /\n/, Jamhook::Env::slurp($file));
    }
}


sub check_message {
    my ($name, $text, $place, @said) = @_;

    my @found = grep { Jamhook::Env::matches($_, $text) } @said;

    Test::More::ok(scalar @found, "$name - says: $text")
        or Test::More::diag(join "\n", @said);

    return unless defined $place;

    my ($file, $directive) = $place =~ /^at (?:([\w.-]+): )?(.*)$/;
    my $path = "$ENV{TEST_NGINX_SERVROOT}/"
               . (defined $file ? "html/$file" : 'conf/nginx.conf');
    my @lines = split /\n/, Jamhook::Env::slurp($path);
    my @at = grep { index($lines[$_ - 1], $directive) >= 0 } 1 .. @lines;

    if (@at != 1) {
        return Test::More::fail("$name - \"$directive\" stands there "
                                . @at . " times");
    }

    $file = defined $file ? "/$file" : '/conf/nginx.conf';
    Test::More::ok(scalar(grep { /in \S*\Q$file\E:$at[0]$/ } @found),
                   "$name - names the place of: $directive")
        or Test::More::diag(join "\n", "it is $at[0]", @found);
}


# Keys, and what was given as one, in files of the block or in the line itself.
sub check_keys {
    my ($block) = @_;

    my @secrets = map { s/^wh\w+?_//r }
                  values %Jamhook::Sign::KEYS,
                  (defined $block->keys ? $block->keys : '')
                  =~ /(wh(?:sec|sk|pk)_\S+)/g;
    my %seen;
    my @parts = grep { !$seen{$_}++ } map { substr $_, 0, 8 }
                grep { length $_ >= 8 } @secrets;

    Jamhook::report($block->name . " - no key is told",
                    grep { my $line = $_;
                           grep { index($line, $_) >= 0 } @parts }
                    Jamhook::log_lines());
}


1;
