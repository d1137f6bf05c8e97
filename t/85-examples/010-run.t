# modes: plain san
#
# The examples in t/run, as they are but for addresses, ports and paths: each
# takes an event and delivers it, and nginx -t has nothing to say of it.

use lib 't/lib';

use strict;
use warnings;

use Test::More;

use Jamhook ();
use Jamhook::Nginx;
use Jamhook::Target;

my $files = "$Jamhook::Env::TOP/t/run";
my $body = '{"id":"evt_1","type":"intercom.recorder.recorded",'
           . '"created_at":"2026-01-01T00:00:00Z","data":{'
           . '"conversationId":"c1","jamId":"j1",'
           . '"recording_url":"https://jam.dev/r/1"}}';
my $mapped = '{"event":"intercom.recorder.recorded","payload":{'
             . '"conversationId":"c1","jamId":"j1",'
             . '"recording_url":"https://jam.dev/r/1"}}';


# An nginx with the example of this name, and its target; both are the caller's.
# %opt: urls (the files *.url that it includes), rules (of the target), changes
# (what else is replaced: that => this, which must be there).
sub example {
    my ($name, %opt) = @_;

    my $dir = Jamhook::Env::tmp();
    my $target = Jamhook::Target->new($opt{rules} || '200');
    my $port = Jamhook::Env::free_port();
    my $text = Jamhook::Env::slurp("$files/$name.conf") . "\n";
    my ($crt, $key) = Jamhook::Env::certificate();
    my @changes = @{ $opt{changes} || [] };

    for my $url (@{ $opt{urls} || ['fin'] }) {
        Jamhook::Env::write_file("$dir/$name-$url.url",
            'proxy_pass http://127.0.0.1:' . $target->port
            . "/secret-$url-path;\n");
        push @changes, "/etc/nginx/jamhook/$url.url" => "$dir/$name-$url.url";
    }

    push @changes, '/etc/nginx/jamhook/jam.key' => 'keys/P1.key',
                   '/etc/nginx/jamhook/fin.key' => 'keys/S1.key';
    push @changes, 'sqlite:/var/lib/nginx/jamhook' => "sqlite:$dir/$name-store"
        unless $opt{no_store};
    push @changes, '443 ssl' => "127.0.0.1:$port ssl",
                   '/etc/nginx/jamhook/hooks.pem' => $crt,
                   '/etc/nginx/jamhook/hooks.key' => $key
        unless $opt{no_tls};

    while (my ($that, $this) = splice @changes, 0, 2) {
        $this =~ s/%\{target\}/$target->port/ge;
        $this =~ s/%\{port\}/$port/g;
        $text =~ s/\Q$that\E/$this/g or die "no \"$that\" in $name.conf\n";
    }

    # Through TLS, as Jam comes: an nginx that does nothing else stands before it,
    # for the tests speak plain HTTP.
    my $nginx = Jamhook::Nginx->new(
        name => $name, listen => 0, port => $port, http => $text);
    my $before = $opt{no_tls} ? $nginx : Jamhook::Nginx->new(
        name => "$name-before", no_module => 1, server => qq{
            location / {
                proxy_pass https://127.0.0.1:$port;
                proxy_set_header Host hooks.example.com;
            }
        });

    my ($ok, $said) = $nginx->test;

    ok $ok, "$name.conf: nginx -t";
    unlike $said, qr/\[(?:warn|error|emerg)\]/, '... has nothing to say of it';

    return ($nginx, $before, $target);
}


sub paths { sort map { $_->{path} } $_[0]->requests }


# Fin alone

{
    my ($nginx, $before, $target) = example('example');
    my $answer = $before->send(Jamhook::event(uri => '/jam', body => $body));

    like $answer->{body}, qr/"stored"/, 'Fin alone: an event is stored';

    my ($got) = $target->wait(1);

    is $got->{path}, '/secret-fin-path/c1', '... and delivered';
    is $got->{body}, $mapped, '... as Fin takes it';

    $answer = $before->send(Jamhook::event(uri => '/jam', body => $body,
                                           key => 'P2'));
    is $answer->{status}, 401, '... and one that is not from Jam is refused';

    $nginx->ends_well(name => '... and nginx ends well');
}


# Fin and an audit, which is down at first

{
    my ($nginx, $before, $target) = example('audit',
        rules => "200\n/jam-events 503 | 200",
        changes => ['/etc/nginx/jamhook/audit.key' => 'keys/S2.key',
                    'http://127.0.0.1:9000/' => 'http://127.0.0.1:%{target}/',
                    '5s 1m 10m' => '100ms 1m 10m']);

    my $answer = $before->send(Jamhook::event(uri => '/jam', body => $body));

    like $answer->{body}, qr/"stored"/, 'Fin and an audit: an event is stored';

    my @got = $target->wait(3);

    is_deeply [paths($target)],
        ['/jam-events', '/jam-events', '/secret-fin-path/c1'],
        '... and delivered to both, to the one that failed again';

    my ($audit) = grep { $_->{path} eq '/jam-events' } @got;

    is $audit->{body}, $body, '... which gets it as it came';

    (my $other = $body) =~ s/intercom\.recorder\.recorded/jam.created/;
    $before->send(Jamhook::event(uri => '/jam', body => $other));
    $target->wait(4);

    is scalar(grep { $_->{path} eq '/jam-events' && $_->{body} eq $other }
              $target->requests), 1,
        '... and a type that Fin does not want too';

    $nginx->ends_well(name => '... and nginx ends well');
}


# several workflows

{
    my ($nginx, $before, $target) = example('workflows',
        urls => ['fin-sales', 'fin-support', 'fin-opted-out'],
        rules => "200\n/secret-fin-sales-path 404");

    my $answer = $before->send(Jamhook::event(uri => '/jam', body => $body));

    like $answer->{body}, qr/"stored"/, 'several workflows: an event is stored';

    $target->wait(2);

    (my $opted = $body) =~ s/recorded"/opted_out"/;
    $before->send(Jamhook::event(uri => '/jam', body => $opted));

    $target->wait(3);

    is_deeply [paths($target)],
        ['/secret-fin-opted-out-path/c1', '/secret-fin-sales-path/c1',
         '/secret-fin-support-path/c1'],
        '... and each workflow gets what it waits for, once';

    ok $nginx->wait_log(qr/given up.*"fin-sales"|"fin-sales".*given up/),
        '... and 404 of the one that does not have the conversation is final'
        or diag join "\n", $nginx->log;

    $nginx->ends_well(name => '... and nginx ends well');
}


# without a store

{
    my ($nginx, $before, $target) = example('pass-through', no_store => 1,
        rules => '500 | 200');

    my $answer = $before->send(Jamhook::event(uri => '/jam', body => $body));

    is $answer->{status}, 502, 'pass-through: the sender is told of a failure';

    $answer = $before->send(Jamhook::event(uri => '/jam', body => $body));

    is $answer->{status}, 200, '... and when its repeat is delivered';
    like $answer->{body}, qr/"delivered"/, '... in these words';
    is scalar($target->wait(2)), 2, '... which was an attempt each';

    $nginx->ends_well(name => '... and nginx ends well');
}


# behind a proxy

{
    my $dir = Jamhook::Env::tmp();

    # "support:secret"
    Jamhook::Env::write_file("$dir/htpasswd", "support:{PLAIN}secret\n", 0644);

    my ($nginx, $before, $target) = example('behind-proxy', no_tls => 1,
        changes => ['10.0.0.11:8080' => '127.0.0.1:%{port}',
                    '10.0.0.10' => '127.0.0.1',
                    '/etc/nginx/jamhook/portal.htpasswd' => "$dir/htpasswd"]);

    my $proxy = Jamhook::Nginx->new(name => 'proxy', no_module => 1,
        server => '
            location / {
                proxy_pass http://127.0.0.1:' . $nginx->port . ';
                proxy_set_header X-Forwarded-For 203.0.113.7;
                proxy_set_header Authorization $http_authorization;
            }
            location /elsewhere/ {
                proxy_bind 127.0.0.2;
                proxy_pass http://127.0.0.1:' . $nginx->port . '/;
            }
        ');

    my $answer = $proxy->send(Jamhook::event(uri => '/jam', body => $body));

    like $answer->{body}, qr/"stored"/, 'behind a proxy: an event is stored';
    is(($target->wait(1))[0]{body}, $mapped, '... and delivered');
    ok $nginx->wait_for(sub { join("\n", $nginx->access) =~ /^203\.0\.113\.7 /m }),
        '... and who sent it is known';

    my $login = "Authorization: Basic c3VwcG9ydDpzZWNyZXQ=\r\n";

    sub portal {
        my ($where, $path, $more) = @_;

        return $where->send("GET $path HTTP/1.1\r\nHost: localhost\r\n"
                            . "Connection: close\r\n$more\r\n")->{status};
    }

    is portal($proxy, '/jamhook/', $login), 200,
        '... who has the password sees the portal';
    is portal($proxy, '/jamhook/', ''), 401, '... and nobody else';
    is portal($proxy, '/elsewhere/jamhook/', $login), 403,
        '... nor from another address than the proxy';

    $nginx->ends_well(name => '... and nginx ends well');
}

done_testing;
