# The README's configurations, pasted: nginx takes them. A whole one as it is, a
# part of one in the place where it belongs.

use strict;
use warnings;

use lib 't/lib';
use File::Path qw(make_path remove_tree);
use Jamhook::Env;
use Test::More;

my $dir = "$Jamhook::Env::TOP/build/readme";
my ($crt, $key) = Jamhook::Env::certificate();
my $serial = 0;

remove_tree($dir);
make_path("$dir/temp");

my $readme = Jamhook::Env::slurp('README.md');
my @texts = map { my ($indent) = /^( *)/; s/^$indent//mgr }
            $readme =~ /^ *```nginx\n(.*?)^ *```$/msg;

my @whole = grep { /^events\s*\{/m && /^http\s*\{/m } @texts;
my @parts = grep { !/^http\s*\{/m } @texts;

is scalar @whole, 1, 'there is one whole configuration';
cmp_ok scalar @parts, '>', 0, 'and parts of some';


# what belongs to a machine: files, names, ports
sub localize {
    my ($text) = @_;

    for my $file ($text =~ /jamhook_(?:verify|sign)\s+([^\s;]+)/g) {
        next if $file eq 'off';

        my $path = "$dir/key" . ++$serial;
        Jamhook::Env::write_file($path, "whsec_" . 'A' x 42 . "A=\n");
        $text =~ s/(?<=\s)\Q$file\E(?=[\s;])/$path/g;
    }

    for my $file ($text =~ /^\s*include\s+(\S+);/mg) {
        my $path = "$dir/include" . ++$serial;
        Jamhook::Env::write_file($path,
            "proxy_pass https://127.0.0.1/workflows/x;\n");
        $text =~ s/(?<=\s)\Q$file\E(?=;)/$path/g;
    }

    $text =~ s{(?<=\bsqlite:)[^\s;]+}{$dir/store}g;
    $text =~ s{(ssl_certificate\s+)\S+;}{$1$crt;}g;
    $text =~ s{(ssl_certificate_key\s+)\S+;}{$1$key;}g;
    $text =~ s{(ssl_trusted_certificate\s+)\S+;}{$1$crt;}g;
    $text =~ s{\blisten(\s+)(?:\S*:)?\d+}
              {"listen$1" . '127.0.0.1:' . Jamhook::Env::free_port()}ge;
    $text =~ s{\b((?:access|error)_log\s+)/\S+?(?=[\s;])}{$1$dir/log}g;

    return $text;
}


sub nginx_takes {
    my ($conf) = @_;

    # what the machine's nginx would write elsewhere
    my $temp = join '', map { "${_}_temp_path $dir/temp/$_;\n" }
               qw(client_body proxy fastcgi uwsgi scgi);

    $conf =~ s/^user\s.*;\n//m;
    $conf =~ s/^pid\s.*;\n//m;
    $conf =~ s/^load_module\s.*;\n//m;
    $conf =~ s/^http\s*\{/http {\n$temp/m;
    $conf = "load_module $Jamhook::Env::MODULE;\npid $dir/nginx.pid;\n$conf";

    Jamhook::Env::write_file("$dir/nginx.conf", $conf);

    my $said = `$Jamhook::Env::NGINX -t -e stderr -c $dir/nginx.conf 2>&1`;

    return ($? == 0, $said, $conf);
}


for my $text (@whole) {
    my ($ok, $said) = nginx_takes(localize($text));

    ok $ok, 'the whole configuration is good' or diag $said;
    unlike $said, qr/\[warn\]/, 'and has no warning' or diag $said;
}


# log formats that one part defines and another uses
my %formats = reverse map { /^\s*(log_format\s+(\w+)\s[^;]*;)/mg } @texts;

for my $text (@parts) {
    my ($first) = $text =~ /\A\s*(?:#.*\n\s*)*([^\n]*)/;
    my ($http, $server, $location) = ('', '', '');

    # the endpoints that it takes for granted
    my %missing = map { $_ => 1 }
                  map { split ' ' } $text =~ /^\s*jamhook_pass\s+(.*?);/mg;
    delete @missing{ $text =~ /^\s*jamhook_endpoint\s+(\S+);/mg };

    for my $name (sort keys %missing) {
        $server .= "location = /missing-$name { jamhook_endpoint $name;"
                   . " jamhook_sign off; proxy_pass http://127.0.0.1:9; }\n";
    }

    for my $name (sort keys %formats) {
        $http .= "$formats{$name}\n"
            if $text =~ /\baccess_log\s[^;]*\s\Q$name\E;/
               && index($text, $formats{$name}) < 0;
    }

    if ($first =~ /^(?:server|upstream|map|limit_\w+_zone|log_format
                       |jamhook_store)\b/x) {
        $http .= $text;

    } elsif ($first =~ /^load_module\b/) {
        # nginx_takes has its own

    } elsif ($first =~ /^(?:location|set_real_ip_from|access_log)\b/) {
        $server .= $text;

    } else {
        # directives of an endpoint's location
        $text = "proxy_pass http://127.0.0.1:9;\n$text"
            if $text !~ /^\s*(?:proxy|grpc|fastcgi)_pass\s/m;
        $text = "jamhook_sign off;\n$text" if $text !~ /^jamhook_sign\s/m;
        $text = "jamhook_endpoint part;\n$text"
            if $text !~ /^jamhook_(?:endpoint|pass)\s/m;
        $location = $text;
    }

    $http .= "jamhook_store sqlite:/store;\n"
        if $text =~ /^\s*jamhook_(?:retry|rate|disable_after|portal)\b/m;

    $location = "location /part {\n$location}\n" if length $location;

    my ($ok, $said, $conf) = nginx_takes(localize(
        "events { }\nhttp {\n${http}server {\nlisten 127.0.0.1:80;\n$server"
        . "$location}\n}\n"));

    ok $ok, "a part is good: $first" or diag $said, $conf;
}

done_testing;
